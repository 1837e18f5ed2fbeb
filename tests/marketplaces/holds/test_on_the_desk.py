"""Every page on which orders are chosen or looked through says which are held, why, and leads to where it is decided."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplaces import order_book, order_import
from marketplaces.models import ChannelOrder
from marketplaces.port import ChannelLine
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation, holds, picking, waves
from outbound.models import Order, PickTask
from tests import make
from tests.marketplaces.holds.words import another, say
from tests.marketplaces.shops import sale

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_board_asks_nobody_to_release_it(house, thing, desk, doubted):
    soon = timezone.now() + timedelta(minutes=30)
    board = f"/desk?warehouse={house.code}"
    Order.objects.update(ship_by=soon)
    assert desk.get(board).context["clock"]["to_release"] is None
    Order.objects.filter(pk=another(house, thing)).update(ship_by=soon)
    assert desk.get(board).context["clock"]["to_release"]["orders"] == 1


def test_every_page_on_which_orders_are_picked_for_a_wave_says_why_and_leads_to_where_it_is_decided(channel, house, thing, desk, doubted):
    row = ChannelOrder.objects.get()
    where = f'href="/desk/channels/{channel.pk}?order={row.pk}#order-{row.pk}"'
    words = "changed in the shop after it was imported (the buyer wants to cancel)"
    for page in (f"/desk/waves?warehouse={house.code}", "/desk/orders", f"/desk?warehouse={house.code}"):
        if page.startswith("/desk?"):
            Order.objects.update(ship_by=timezone.now() + timedelta(minutes=30))
        text = desk.get(page).content.decode()
        assert (f'data-hold="{row.pk}"' in text, where in text, words in text) == (True, True, True), page
    assert "data-ready" not in desk.get(f"/desk/waves?warehouse={house.code}").content.decode()
    page = desk.get(f"/desk/orders/{doubted.pk}").content.decode()
    assert where in page and "it goes into no wave" in page
    shown = desk.get(f"/desk/channels/{channel.pk}?order={row.pk}").content.decode()
    assert f'id="order-{row.pk}"' in shown
    assert f'data-wish="{doubted.pk}"' in shown and f'<a href="/desk/orders/{doubted.pk}">{doubted.reference}</a>' in shown
    desk.post(f"/desk/channels/{channel.pk}/dismiss", {"order": row.pk})
    for page in (f"/desk/waves?warehouse={house.code}", "/desk/orders", f"/desk/orders/{doubted.pk}"):
        text = desk.get(page).content.decode()
        assert "data-hold" not in text and "no wave" not in text, page


def test_the_wave_s_own_page_bears_the_sign(channel, house, thing, at, by, desk):
    order_import.import_orders(channel, [sale(thing.code, at)])
    wave = waves.release(warehouse_id=house.pk, by=by)["wave_id"]
    assert "data-hold" not in desk.get(f"/desk/waves/{wave}").content.decode()
    say(channel, thing, cancellation_requested=True)
    assert f'data-hold="{ChannelOrder.objects.get().pk}"' in desk.get(f"/desk/waves/{wave}").content.decode()


def test_the_wave_s_own_page_says_of_how_many_stops_nobody_is_sent_to(channel, house, thing, at, by, desk):
    another(house, thing)
    order_import.import_orders(channel, [sale(thing.code, at)])
    wave = waves.release(warehouse_id=house.pk, by=by)["wave_id"]
    assert "data-held-stops" not in desk.get(f"/desk/waves/{wave}").content.decode()
    say(channel, thing, cancellation_requested=True)
    page = desk.get(f"/desk/waves/{wave}").content.decode()
    row = page.partition("nobody yet")[2].partition("</tr>")[0]
    assert ('data-held-stops="1"' in row, f'href="/desk/waves?warehouse={house.code}#begun"' in row, '<td class="num">2</td>' in row) == (
        True, True, True,
    )  # fmt: skip
    PickTask.objects.update(picker=by)  # on somebody's walk: he goes on
    assert "data-held-stops" not in desk.get(f"/desk/waves/{wave}").content.decode()


@pytest.mark.parametrize("tied", [True, False])
def test_where_nothing_stands_on_the_channel_s_list_the_sign_leads_to_the_order_which_says_what_can_be_done(
    channel, house, thing, at, by, desk, monkeypatch, tied
):
    order_import.import_orders(channel, [sale(thing.code, at, cancellation_requested=not tied)])
    if tied:
        order_book.record(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=1), state=State.CANCELLED)])
    else:
        ChannelOrder.objects.update(status="seen", problem="")
        ChannelOrder.objects.get().parts.update(order=None)
    order = Order.objects.get()
    reason = "cancelled in the shop, and about to be here" if tied else "the buyer wants to cancel"
    assert holds.of_orders([order.pk])[order.pk].reason == reason
    for page in (f"/desk/waves?warehouse={house.code}", "/desk/orders"):
        text = desk.get(page).content.decode()
        assert ("data-hold" in text, f'href="/desk/orders/{order.pk}#hold"' in text, f"/desk/channels/{channel.pk}" in text) == (
            True,
            True,
            False,
        )
    page = desk.get(f"/desk/orders/{order.pk}").content.decode()
    assert ('id="hold"' in page, f"{channel.name}: {reason}" in page, f'href="/desk/channels/{channel.pk}"' in page) == (True, True, True)
    assert f'action="/desk/orders/{order.pk}/cancel"' in page
    cancellation.cancel(order_id=order.pk, by=by)
    assert 'id="hold"' not in desk.get(f"/desk/orders/{order.pk}").content.decode()


def test_the_waves_page_counts_what_is_ready_in_its_own_house_alone(channel, house, thing, at, desk, doubted):
    order_import.import_orders(
        channel, [sale(thing.code, at, order_id=key, number=key, cancellation_requested=True) for key in ("502", "503")]
    )
    elsewhere = make.warehouse()
    Order.objects.filter(reference__endswith="502").update(warehouse=elsewhere)
    Order.objects.filter(reference__endswith="503").update(status="released")
    assert len(holds.of_orders(list(Order.objects.values_list("pk", flat=True)))) == 3
    for place, reference in ((house, "501"), (elsewhere, "502")):
        page = desk.get(f"/desk/waves?warehouse={place.code}").content.decode()
        assert ('data-held="1"' in page, f"WOO-{reference}<" in page) == (True, True)
    page = desk.get(f"/desk/waves?warehouse={house.code}").content.decode()
    assert ('data-held-on-the-floor="1"' in page, page.count("data-hold=")) == (True, 2)


ALL_WAIT, NONE_IS_READY = "All orders that are ready wait for somebody's decision: see below.", "No order is ready."


def test_where_all_that_are_ready_are_held_the_waves_page_says_so(channel, house, by, desk, doubted):
    page = desk.get(f"/desk/waves?warehouse={house.code}").content.decode()
    assert (ALL_WAIT in page, NONE_IS_READY in page) == (True, False)
    order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    page = desk.get(f"/desk/waves?warehouse={house.code}").content.decode()
    assert (ALL_WAIT in page, NONE_IS_READY in page, "data-ready" in page) == (False, False, True)
    cancellation.cancel(order_id=doubted.pk, by=by)
    page = desk.get(f"/desk/waves?warehouse={house.code}").content.decode()
    assert (ALL_WAIT in page, NONE_IS_READY in page) == (False, True)


def test_one_that_was_begun_and_put_down_stands_where_a_supervisor_looks_and_nobody_is_sent(channel, house, thing, at, by, desk):
    second = make.sku(thing.merchant)
    make.stock(make.bin_of(house, "A-02"), second, 5)
    channel.listings.create(merchant=thing.merchant, external_id="second", external_sku=second.code, sku=second)
    lines = (ChannelLine("1", "", thing.code, "Mug", 2, Decimal(5)), ChannelLine("2", "", second.code, "Tea", 1, Decimal(5)))
    order_import.import_orders(channel, [sale(thing.code, at, lines=lines)])
    order = Order.objects.get()
    waves.release(warehouse_id=house.pk, by=by)
    picking.claim(warehouse_id=house.pk, by=by)
    picking.pick(task_id=order.tasks.get(sku=thing).pk, tote_code="TOTE-01", by=by)

    def seen() -> tuple[list[tuple[str, str, str]], bool]:
        pages = [desk.get(f"{page}?warehouse={house.code}") for page in ("/desk/waves", "/desk")]
        held = pages[0].context["held"]
        rows = [(row.reference, row.tote.code, held.pickers.get(row.pk, "")) for row in held.floor_rows]
        assert f'data-held-on-the-floor="{len(rows)}"' in pages[1].content.decode()
        return rows, "nobody is sent" in pages[0].content.decode()

    assert seen() == ([], False)
    say(channel, thing, lines=lines, cancellation_requested=True)
    assert seen() == ([("WOO-501", "TOTE-01", "boss")], False)
    picking.put_down(by=by)
    assert seen() == ([("WOO-501", "TOTE-01", "")], True)
    assert picking.claim(warehouse_id=house.pk, by=by) == 0
    words = "Tote TOTE-01 is set aside for that: dealt with, pickers get the rest"
    assert words in desk.get(f"/desk/orders/{order.pk}").content.decode()
    order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    assert (seen(), words in desk.get(f"/desk/orders/{order.pk}").content.decode()) == (([], False), False)


def test_the_waves_page_asks_as_often_for_four_that_are_held_as_for_one(channel, house, thing, at, desk):
    def asked() -> int:
        desk.get(f"/desk/waves?warehouse={house.code}")
        with CaptureQueriesContext(connection) as captured:
            desk.get(f"/desk/waves?warehouse={house.code}")
        return len(captured)

    def hold(*keys: str) -> None:
        order_import.import_orders(
            channel, [sale(thing.code, at, order_id=key, number=key, quantity=1, cancellation_requested=True) for key in keys]
        )
        Order.objects.filter(reference__in=[f"WOO-{key}" for key in keys[::2]]).update(status="picking")

    hold("601", "602")
    few = asked()
    hold("603", "604", "605", "606")
    assert asked() == few


def test_the_order_that_is_asked_for_is_shown_however_many_younger_ones_there_are(channel, desk, doubted, monkeypatch):
    monkeypatch.setattr("marketplaces.desk.orders.SHOWN", 1)
    row = ChannelOrder.objects.get()
    ChannelOrder.objects.create(channel=channel, merchant=channel.merchant, external_id="9", status="imported", problem="closed")
    assert f'id="order-{row.pk}"' not in desk.get(f"/desk/channels/{channel.pk}").content.decode()
    assert f'id="order-{row.pk}"' in desk.get(f"/desk/channels/{channel.pk}?order={row.pk}").content.decode()
