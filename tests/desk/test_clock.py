"""What the desk shows of the platforms' clock, without script: the script only counts on."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Warehouse
from marketplaces import pausing
from marketplaces.models import Channel, Comparison, Difference, Listing, SellerRule
from outbound import packing, picking, shipping, waves
from outbound.models import Order
from tests import make
from tests.desk.house import House
from tests.marketplaces.test_standings import connect
from wms.core.access import issue_key
from wms.core.models import ApiKey, User
from wms.desk.board import MOST_SHOPS

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(house: House) -> Channel:
    return connect(merchant=house.merchant, warehouse=house.warehouse, name="Quick shop")


def sold(house: House, shop: Channel, left: timedelta) -> Order:
    order = house.order(ship_by=timezone.now() + left)
    make.sold_on(shop, order, ship_by=order.ship_by)
    return order


def stands(shop: Channel, counted: int, bad: int, room: int) -> None:
    SellerRule.objects.filter(channel=shop, measure="late").update(counted=counted, bad=bad, room=room)


def ship(house: House, order: Order) -> None:
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor, order_ids=[order.pk])
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    shipping.ship(parcel_id=packing.pack(order_id=order.pk, by=house.supervisor)["parcel_id"], by=house.supervisor)


def test_an_order_shows_its_time_and_its_shops_headroom(desk: Client, house: House, shop: Channel) -> None:
    order = sold(house, shop, 2 * HOUR + timedelta(minutes=10, seconds=30))
    stands(shop, 100, 1, 2)
    for url in (f"/desk/orders/{order.pk}", "/desk/orders"):
        page = desk.get(url).content.decode()
        assert f'<time class="due due-warn" data-due datetime="{order.ship_by.isoformat()}"' in page
        assert "<span>2 h 10 min left</span>" in page
        assert 'data-headroom="2" title="Quick shop"' in page
        assert '<script id="clock-words" type="application/json">' in page
    stands(shop, 100, 6, -3)
    assert "3 over" in desk.get(f"/desk/orders/{order.pk}").content.decode()


def test_an_order_of_no_platform_shows_its_time_alone(desk: Client, house: House) -> None:
    late = house.order(ship_by=timezone.now() - HOUR - timedelta(minutes=5, seconds=30))
    page = desk.get(f"/desk/orders/{late.pk}").content.decode()
    assert '<time class="due due-bad" data-due' in page
    assert "1 h 5 min late" in page
    assert "data-headroom" not in page


def test_the_board_has_late_channels_first_then_the_narrowest(desk: Client, house: House, shop: Channel) -> None:
    narrow, late = (connect(merchant=house.merchant, warehouse=house.warehouse, name=name) for name in ("Narrow", "Late"))
    sold(house, shop, 30 * HOUR)
    sold(house, late, -HOUR)
    stands(shop, 100, 0, 3)
    stands(narrow, 100, 4, -1)
    stands(late, 100, 0, 3)
    answer = desk.get("/desk")
    assert [(row.channel.name, row.loud, row.over) for row in answer.context["clock"]["rows"]] == [
        ("Late", True, 0), ("Narrow", True, 1), ("Quick shop", False, 0),
    ]  # fmt: skip
    page = answer.content.decode()
    assert 'data-room="-1"' in page
    assert "4.0 %" in page
    assert "▲ 1 over" in page


def test_a_platforms_rule_is_said_in_the_readers_language(desk: Client, house: House, shop: Channel) -> None:
    stands(shop, 100, 0, 3)
    SellerRule.objects.update(limit_percent="2.50")
    for language, said in (("en", "2.5 %, 10 d"), ("de", "2,5 %, 10 T"), ("zh-hans", "2.5 %, 10 天")):
        page = desk.get("/desk", headers={"accept-language": language}).content.decode()
        title = page.split("data-room=")[1].split(' title="')[1].split('"')[0]
        assert title.endswith(f" &lt; {said}"), title


@pytest.mark.parametrize(("keep", "sells"), [(False, "paused, sells nothing: "), (True, "paused, sells what it was told last: ")])
def test_the_board_says_which_shops_are_paused_and_their_deadlines_go_on(
    desk: Client, house: House, shop: Channel, keep: bool, sells: str
) -> None:
    sold(house, shop, HOUR)
    stands(shop, 100, 4, -1)
    assert "data-paused-shops" not in desk.get("/desk").content.decode()
    pausing.pause(channel=shop, by=house.supervisor, reason="Stocktaking", keep=keep)
    answer = desk.get("/desk")
    assert [(row.channel.name, row.over, row.due.soon) for row in answer.context["clock"]["rows"]] == [("Quick shop", 1, 1)]
    notice = answer.content.decode().partition('data-paused-shops="1"')[2].partition("</div></div>")[0]
    assert [text in notice for text in (sells, f'href="/desk/channels/{shop.pk}"', "Stocktaking", house.supervisor.username)] == [True] * 4
    pausing.resume(channel=shop)
    assert "data-paused-shops" not in desk.get("/desk").content.decode()


def test_a_shop_that_does_not_work_is_seen_behind_any_number_of_paused_ones(desk: Client, house: House, shop: Channel) -> None:
    Channel.objects.filter(pk=shop.pk).update(active=False)
    known = Channel.objects.get()
    rows = []
    for number in range(60):
        row = Channel.objects.get(pk=known.pk)
        row.pk, row.code, row.user = None, f"P{number}", User.objects.create_user(f"p{number}")
        rows.append(row)
    last = Channel.objects.bulk_create(rows)[-1]
    Channel.objects.filter(pk=last.pk).update(active=True, failures=1, last_error="channel_unavailable: no answer in time")
    shown = desk.get("/desk").context
    assert ([row.pk for row in shown["troubled"]], len(shown["paused"])) == ([last.pk], MOST_SHOPS)


def test_the_board_says_how_many_shops_it_does_not_name_and_leads_to_them(desk: Client, house: House, shop: Channel) -> None:
    known = Channel.objects.get()
    rows = []
    for number in range(2 * MOST_SHOPS + 3):
        row = Channel.objects.get(pk=known.pk)
        row.pk, row.code, row.user = None, f"P{number}", User.objects.create_user(f"p{number}")
        row.active, row.failures = (False, 0) if number < MOST_SHOPS + 3 else (True, 1)
        rows.append(row)
    Channel.objects.bulk_create(rows)
    board = desk.get("/desk").content.decode()
    paused, troubled = (board.partition(f'{name}="')[2].partition("</div></div>")[0] for name in ("data-paused-shops", "data-trouble"))
    assert (paused.partition('"')[0], troubled.partition('"')[0]) == ("8", "5")
    assert '<a href="/desk/channels?show=paused">The first 5 of 8: see all.</a>' in paused
    assert "see all" not in troubled
    shown = {show: desk.get(f"/desk/channels?show={show}").content.decode().count("data-code=") for show in ("", "paused", "troubled")}
    assert shown == {"": 14, "paused": 8, "troubled": 5}


def test_orders_that_have_to_be_released_now_are_released_by_one_button(desk: Client, house: House, shop: Channel) -> None:
    first, second, later = (sold(house, shop, left) for left in (HOUR, HOUR * 1.9, HOUR * 2.1))
    board = desk.get("/desk")
    found = board.context["clock"]["to_release"]
    assert (found["orders"], found["first"]) == (2, first.ship_by)
    assert "2 orders miss their ship-by unless they are released now." in board.content.decode()
    fields = {"warehouse": "HOUSE", "until": found["until"].isoformat(), "order": "clock"}
    assert desk.post("/desk/waves/release", fields).status_code == 303
    assert dict(Order.objects.values_list("pk", "status")) == {first.pk: "released", second.pk: "released", later.pk: "ready"}
    assert "data-release-now" not in desk.get("/desk").content.decode()


def test_a_parcel_that_its_shop_has_not_heard_of_is_loud(desk: Client, house: House, shop: Channel) -> None:
    order = sold(house, shop, timedelta(minutes=40, seconds=30))
    assert "data-untold" not in desk.get("/desk").content.decode()
    ship(house, order)
    page = desk.get("/desk").content.decode()
    assert "tracking not confirmed for 1 order" in page
    assert "40 min left" in page
    row = order.channel_part.channel_order
    row.told_parcels.create(parcel=order.parcels.get())
    assert "data-untold" not in desk.get("/desk").content.decode()
    row.told_parcels.update(error="order is closed")
    assert "1 refused by the shop" in desk.get("/desk").content.decode()
    type(row).objects.update(ship_by=None)
    page = desk.get("/desk").content.decode()
    assert ("1 refused by the shop" in page, "data-due" in page.split("data-untold")[1].split("</div>")[0]) == (True, False)


def test_the_form_offers_the_clock(desk: Client, house: House, shop: Channel) -> None:
    assert '<option value="clock">' in desk.get("/desk/waves").content.decode()
    order = sold(house, shop, 30 * HOUR)
    stands(shop, 100, 0, 3)
    assert desk.post("/desk/waves/release", {"warehouse": "HOUSE", "order": "clock"}).status_code == 303
    assert Order.objects.get(pk=order.pk).headroom == 3


def test_the_rules_are_changed_in_the_administration_and_counted_at_once(house: House, client: Client, shop: Channel) -> None:
    from wms.core.models import User

    client.force_login(User.objects.create_superuser("chief", password="chief-chief"))
    sold(house, shop, -HOUR)
    page = client.get(f"/admin/marketplaces/channel/{shop.pk}/change/")
    form = page.context["inline_admin_formsets"][0].formset
    sent: dict[str, Any] = {"code": shop.code, "name": shop.name, "base_url": shop.base_url}
    sent |= {f"rules-{name}": value for name, value in (("TOTAL_FORMS", 4), ("INITIAL_FORMS", 4))}
    for number, row in enumerate(form.forms):
        rule = row.instance
        sent |= {f"rules-{number}-id": rule.pk, f"rules-{number}-channel": shop.pk, f"rules-{number}-measure": rule.measure}
        sent |= {f"rules-{number}-days": rule.days, f"rules-{number}-limit_percent": "50", f"rules-{number}-at_least": "3"}
    assert client.post(f"/admin/marketplaces/channel/{shop.pk}/change/", sent).status_code == 302
    assert list(SellerRule.objects.filter(channel=shop, measure="late").values_list("counted", "bad", "room")) == [(1, 1, 1)] * 2


def test_times_are_those_of_the_warehouse_and_where_there_is_none_it_is_said(
    house: House, desk: Client, client: Client, shop: Channel
) -> None:
    Warehouse.objects.update(time_zone="America/Los_Angeles")
    order = house.order(ship_by=datetime(2030, 1, 31, 7, 59, tzinfo=UTC))
    Order.objects.update(status="cancelled")
    assert ">2030-01-30 23:59</time>" in desk.get("/desk/orders?state=all").content.decode()
    assert ">2030-01-30 23:59</time>" in desk.get(f"/desk/orders/{order.pk}").content.decode()
    Channel.objects.update(
        last_error="channel_unavailable: no", failures=1, quiet_until=datetime(2030, 1, 31, 2, 30, tzinfo=UTC), last_error_at=timezone.now()
    )
    assert "left alone until 2030-01-30 18:30" in desk.get(f"/desk/channels/{shop.pk}").content.decode()
    listing = Listing.objects.create(channel=shop, merchant=shop.merchant, external_id="1")
    comparison = Comparison.objects.create(channel=shop, at=timezone.now(), listing_count=1)
    facts = {"since": "2030-01-31T02:30:00+00:00"}
    Difference.objects.create(comparison=comparison, listing=listing, ours=1, theirs=2, why="queued", facts=facts)
    assert "since 2030-01-30 18:30 in" in desk.get(f"/desk/channels/{shop.pk}/drift").content.decode()
    # What the board counts is its warehouse's, and so is what it leads to.
    board = desk.get("/desk").content.decode()
    links = re.findall(r'href="(/desk/orders\?[^"]*)"', board)
    assert len(links) > 5
    assert all(link.startswith(f"/desk/orders?warehouse={house.warehouse.code}") for link in links)
    # Of a merchant's keys no warehouse's clock tells.
    client.force_login(User.objects.create_superuser("root"))
    issue_key(merchant=house.merchant)
    ApiKey.objects.update(created_at=datetime(2030, 1, 31, 2, 30, tzinfo=UTC))
    assert "2030-01-31 02:30 UTC" in client.get(f"/desk/merchants/{house.merchant.pk}").content.decode()
