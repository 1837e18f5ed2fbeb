"""Where the handheld's pages are: each scenario at one stable address."""

from django.urls import path

from inbound.floor import known as announced_codes
from inbound.floor.put_away import PutAway
from inbound.floor.receive import Receive
from inventory.floor import look_up
from inventory.floor.shelf import Count, Move
from inventory.floor.warehouse import choose_warehouse
from labels.floor import prints
from labels.floor.station import choose_station
from outbound.floor import known as order_codes
from outbound.floor import papers
from outbound.floor.pack import Pack
from outbound.floor.pick import Pick
from outbound.floor.ship import Ship
from wms.core import views
from wms.core.floor.scenario import scenario_page

app_name = "floor"


class LookUp(look_up.LookUp):
    """Every code that the house prints says something, whichever app it is of."""

    answers = (*look_up.OWN, *announced_codes.ANSWERS, *order_codes.ANSWERS)


urlpatterns = [
    path("floor", views.menu, name="menu"),
    path("floor/warehouse", choose_warehouse, name="warehouse"),
    path("floor/receive", scenario_page(Receive, "inbound.receive_asn"), name="receive"),
    path("floor/put-away", scenario_page(PutAway, "inbound.receive_asn"), name="put_away"),
    path("floor/pick", scenario_page(Pick, "outbound.pick_order"), name="pick"),
    path("floor/pack", scenario_page(Pack, "outbound.pack_order"), name="pack"),
    path("floor/ship", scenario_page(Ship, "outbound.pack_order"), name="ship"),
    path("floor/look-up", scenario_page(LookUp, "inventory.view_stockbalance"), name="look_up"),
    path("floor/move", scenario_page(Move, "inbound.receive_asn"), name="move"),
    path("floor/count", scenario_page(Count, "inbound.receive_asn"), name="count"),
    path("floor/station", choose_station, name="station"),
    path("floor/prints", prints.prints, name="prints"),
    path("floor/prints/state", prints.state, name="print_state"),
    path("floor/prints/<int:job_id>/content.pdf", prints.content, name="print_content"),
    path("floor/prints/<int:job_id>/open", prints.open_in_browser, name="print_open"),
    *(path(f"floor/prints/<int:job_id>/{does}", prints.act, {"does": does}, name=f"print_{does}") for does in prints.ACTIONS),
    path("floor/parcels/<int:parcel_id>/label.pdf", papers.label, name="parcel_label"),
    path("floor/parcels/<int:parcel_id>/packing-slip.pdf", papers.packing_slip, name="parcel_packing_slip"),
]
