"""Below /desk: webhook endpoints."""

from django.urls import path

from webhooks.desk import endpoints

urlpatterns = [
    path("webhooks", endpoints.endpoints, name="webhooks"),
    path("webhooks/<int:endpoint_id>", endpoints.endpoint, name="webhook"),
    path("webhooks/<int:endpoint_id>/deliveries/<int:attempt_id>", endpoints.delivery, name="webhook_delivery"),
    path("webhooks/<int:endpoint_id>/rotate-secret", endpoints.rotate_secret, name="webhook_rotate_secret"),
    path("webhooks/<int:endpoint_id>/replay", endpoints.replay, name="webhook_replay"),
    path("webhooks/<int:endpoint_id>/test", endpoints.test, name="webhook_test"),
    path("webhooks/<int:endpoint_id>/switch-on", endpoints.switch_on, name="webhook_switch_on"),
]
