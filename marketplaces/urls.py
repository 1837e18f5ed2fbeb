from django.urls import path

from marketplaces import webhooks

urlpatterns = [path("hooks/<int:channel_id>", webhooks.receive, name="channel-hook")]
