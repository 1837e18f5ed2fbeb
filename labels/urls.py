"""Where print agents call."""

from django.urls import path

from labels import api

urlpatterns = [
    path("claim", api.claim, name="print-agent-claim"),
    path("jobs/<int:job_id>/begin", api.begin, name="print-agent-begin"),
    path("jobs/<int:job_id>/result", api.result, name="print-agent-result"),
]
