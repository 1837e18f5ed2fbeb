"""Everything below /desk: each app brings its own pages."""

from django.urls import include, path

from inbound.desk.urls import urlpatterns as inbound_pages
from inventory.desk.urls import urlpatterns as inventory_pages
from labels.desk.urls import urlpatterns as labels_pages
from marketplaces.desk.urls import urlpatterns as marketplaces_pages
from outbound.desk.urls import urlpatterns as outbound_pages
from webhooks.desk.urls import urlpatterns as webhooks_pages
from wms.desk import board, dead_letters, labels, letterheads, merchants, order_files

app_name = "desk"
pages = [
    path("dead-letters", dead_letters.dead_letters, name="dead_letters"),
    path("dead-letters/replay", dead_letters.replay, name="dead_letters_replay"),
    path("merchants", merchants.merchants, name="merchants"),
    path("merchants/create", merchants.create, name="merchant_create"),
    path("merchants/<int:merchant_id>", merchants.merchant, name="merchant"),
    path("merchants/<int:merchant_id>/issue-key", merchants.issue_key, name="merchant_issue_key"),
    path("merchants/<int:merchant_id>/rotate-key", merchants.rotate_key, name="merchant_rotate_key"),
    path("merchants/<int:merchant_id>/revoke-key", merchants.revoke_key, name="merchant_revoke_key"),
    path("merchants/<int:merchant_id>/sandbox", merchants.switch_sandbox, name="merchant_sandbox"),
    path("merchants/<int:merchant_id>/letterhead", letterheads.keep, name="merchant_letterhead"),
    path("merchants/<int:merchant_id>/logo", letterheads.logo, name="merchant_logo"),
    path("labels", labels.labels_or_real, name="labels"),
    path("labels/sample.png", labels.sample_png, name="label_sample_png"),
    path("labels/sample.pdf", labels.sample_pdf, name="label_sample_pdf"),
    path("labels/runs/bins", labels.run_bins, name="label_run_bins"),
    path("labels/runs/asns/<int:asn_id>", labels.run_cartons, name="label_run_cartons"),
    path("labels/runs/<int:run_id>", labels.run, name="label_run"),
    path("labels/runs/<int:run_id>/labels.pdf", labels.run_pdf, name="label_run_pdf"),
    path("imports/orders", order_files.form_or_upload, name="import_orders"),
    *inbound_pages,
    *inventory_pages,
    *outbound_pages,
    *labels_pages,
    *marketplaces_pages,
    *webhooks_pages,
]
urlpatterns = [path("desk", board.board, name="board"), path("desk/", include(pages))]
