"""Below /desk: ASNs, stock and labels."""

from django.urls import path

from inbound.desk import asns, labels, stock

urlpatterns = [
    path("asns", asns.asns, name="asns"),
    path("asns/new", asns.new_or_upload, name="asn_new"),
    path("asns/<int:asn_id>", asns.asn, name="asn"),
    path("asns/<int:asn_id>/carton-labels.pdf", asns.carton_labels, name="asn_labels"),
    path("asns/<int:asn_id>/pallet-labels", asns.pallet_labels, name="asn_pallet_labels"),
    *(path(f"asns/<int:asn_id>/{does}", asns.act, {"does": does}, name=f"asn_{does}") for does in asns.ACTIONS),
    *(
        path(f"asns/<int:asn_id>/discrepancies/<int:discrepancy_id>/{does}", asns.answer, {"does": does}, name=f"discrepancy_{does}")
        for does in ("accept", "dispute")
    ),
    path("stock", stock.stock, name="stock"),
    path("skus/<int:sku_id>", stock.sku, name="sku"),
    path("skus/<int:sku_id>/count", stock.count, name="sku_count"),
    path("bins/labels.pdf", labels.bins, name="bin_labels"),
    path("skus/<int:sku_id>/labels.pdf", labels.sku, name="sku_labels"),
]
