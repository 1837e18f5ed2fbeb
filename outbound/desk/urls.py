"""Below /desk: orders and waves."""

from django.urls import path

from outbound.desk import orders, waves

urlpatterns = [
    path("orders", orders.orders, name="orders"),
    path("orders/<int:order_id>", orders.order, name="order"),
    path("orders/<int:order_id>/cancel", orders.cancel, name="order_cancel"),
    path("orders/<int:order_id>/packing-slip.pdf", orders.packing_slip, name="order_packing_slip"),
    path("orders/<int:order_id>/labels.pdf", orders.labels, name="order_labels"),
    path("orders/<int:order_id>/return-label.pdf", orders.return_label, name="order_return_label"),
    path("waves/manifest.pdf", waves.manifest, name="manifest"),
    path("waves/<int:wave_id>/pick-list.pdf", waves.pick_list, name="wave_pick_list"),
    path("waves", waves.waves, name="waves"),
    path("waves/release", waves.release, name="wave_release"),
    path("waves/<int:wave_id>", waves.wave, name="wave"),
]
