"""An order whose shop's address cannot be used is sent where a person says; what the shop says later is neither undone by that nor lost."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from marketplaces import buyer_data, correcting, order_asking
from marketplaces.models import Channel, ChannelOrder
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, poll, totals
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)

RIGHT = {"name": "Grace Hopper", "line1": "1 Cobol Street", "city": "Arlington", "region": "VA", "postcode": "22201", "country": "US"}


@pytest.fixture
def number(shop, channel, thing):
    """An order of three with a postcode that there is not: the shop's number."""
    number = shop.books.place_order([(thing.code, 3)], shipping={**BUYER, "postcode": "ABC"})
    poll()
    return number


def later(shop, seconds):
    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=seconds)


def address_of(row):
    return f"/desk/channels/{row.channel_id}/orders/{row.pk}/address"


def sent_to():
    return Order.objects.get().ship_to.opened()


class TestAtTheDesk:
    def test_the_list_leads_to_a_form_with_what_the_shop_sent_and_the_problem_at_its_field(self, channel, number, desk):
        row = ChannelOrder.objects.get()
        assert address_of(row) in desk.get(f"/desk/channels/{channel.pk}").content.decode()
        page = desk.get(address_of(row)).content.decode()
        assert 'name="postcode" maxlength="20" value="ABC"' in page
        assert 'data-wrong="postcode">This country has no such postcode.<' in page
        # The state is told by the postcode, where that can be one.
        assert ('data-wrong="region">This is needed.<' in page, page.count("data-wrong")) == (True, 2)

    def test_a_corrected_address_is_taken_in_once(self, shop, channel, thing, number, desk, boss):
        row = ChannelOrder.objects.get()
        answer = desk.post(f"{address_of(row)}/set", {**RIGHT, "postcode": " 22201 "})
        assert (answer.status_code, answer.url) == (303, f"/desk/channels/{channel.pk}")
        # Kept before anybody is woken, and sealed.
        row.refresh_from_db()
        assert (row.status, row.problem, row.corrected_by, row.corrected_at is not None) == ("seen", "", boss, True)
        assert b"22201" not in bytes(PersonalRecord.objects.get(kind="channel_order").sealed)
        assert not Order.objects.exists()
        shops.deliver_all()
        poll()

        row.refresh_from_db()
        assert (row.status, row.problem, row.parts.get().order.reference) == ("imported", "", f"WOO-{number}")
        assert sent_to() == RIGHT
        assert row.raw.opened()["ship_to"]["postcode"] == "ABC"
        assert (totals(thing), shop.books.stock()) == ((10, 3, 0), {thing.code: 7})

        again = desk.post(f"{address_of(row)}/set", {**RIGHT, "name": "Somebody else"})
        assert (again.status_code, 'data-error="no_address_wanted"' in again.content.decode()) == (409, True)
        shops.deliver_all()
        assert (Order.objects.count(), sent_to()) == (1, RIGHT)

    def test_what_cannot_be_used_either_is_named_at_its_field_and_changes_nothing(self, number, desk):
        row = ChannelOrder.objects.get()
        before = (bytes(row.raw.sealed), row.updated_at)
        answer = desk.post(f"{address_of(row)}/set", {**RIGHT, "country": "Atlantis", "line1": "", "city": "Typed"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert 'data-wrong="country">There is none of this name.<' in page
        assert 'data-wrong="line1">This is needed.<' in page
        answer = desk.post(f"{address_of(row)}/set", {**RIGHT, "line2": "x" * 201})
        assert (answer.status_code, 'data-wrong="line2">This is too long.<' in answer.content.decode()) == (422, True)
        assert 'name="city" maxlength="100" value="Typed"' in page
        row.refresh_from_db()
        assert (bytes(row.raw.sealed), row.updated_at) == before
        assert (row.status, row.problem, row.corrected_by) == ("refused", "bad_address", None)
        assert not OutboxEvent.objects.filter(payload__has_key="retry").exists()

    def test_without_the_right_nobody_sees_the_buyer(self, channel, number):
        row = ChannelOrder.objects.get()
        client = Client()
        client.force_login(make.user("picker", is_staff=True))
        assert address_of(row) not in client.get(f"/desk/channels/{channel.pk}").content.decode()
        assert client.get(address_of(row)).status_code == 403
        assert client.post(f"{address_of(row)}/set", RIGHT).status_code == 403
        row.refresh_from_db()
        assert (row.problem, row.corrected_by) == ("bad_address", None)

    def test_an_order_of_another_channel_is_not_found(self, channel, number, desk, house, shop):
        row = ChannelOrder.objects.get()
        other = shops.connect(shop, make.merchant(), house, name="Other")
        assert desk.get(address_of(row).replace(f"/channels/{channel.pk}/", f"/channels/{other.pk}/")).status_code == 404

    def test_while_the_channel_is_paused_it_waits_and_goes_on_with_it(self, channel, number, desk):
        Channel.objects.update(active=False)
        row = ChannelOrder.objects.get()
        page = desk.post(f"{address_of(row)}/set", RIGHT, follow=True).content.decode()
        assert "the order is taken in when the channel goes on" in page
        shops.deliver_all()
        assert not Order.objects.exists()
        Channel.objects.update(active=True)
        poll()
        assert sent_to() == RIGHT


def correct(row, by, **parts):
    correcting.correct(channel=row.channel, key=row.pk, address={**RIGHT, **parts}, by=by)


class TestWhatTheShopSaysLater:
    def test_its_worker_died_and_the_next_poll_takes_it_in(self, channel, number, boss):
        correct(ChannelOrder.objects.get(), boss)
        OutboxEvent.objects.all().delete()
        poll()
        assert sent_to() == RIGHT

    def test_other_news_leave_the_correction_as_it_is(self, shop, channel, number, boss):
        Channel.objects.update(active=False)
        correct(ChannelOrder.objects.get(), boss)
        shops.deliver_all()
        Channel.objects.update(active=True)
        later(shop, 5)
        shop.books.change_order(number, {"customer_note": "Ring twice"})
        poll()
        assert sent_to() == RIGHT

    @pytest.mark.parametrize("postcode", ["XYZ", "20001"])
    def test_another_address_before_it_is_taken_in_is_for_a_person(self, shop, channel, thing, number, boss, desk, postcode):
        """Whether it can be used or not: two people have said different things."""
        Channel.objects.update(active=False)
        correct(ChannelOrder.objects.get(), boss)
        shops.deliver_all()
        Channel.objects.update(active=True)
        later(shop, 5)
        shop.books.change_order(number, {"shipping": {**BUYER, "postcode": postcode}})
        poll()
        poll()

        row = ChannelOrder.objects.get()
        assert (row.status, row.problem, row.problem_detail, row.parts.exists()) == ("refused", "address_changed", "postcode", False)
        assert not Order.objects.exists()
        assert shop.books.stock() == {thing.code: 7}  # sold all the same
        page = desk.get(address_of(row)).content.decode()
        assert f'name="postcode" maxlength="20" value="{postcode}"' in page
        assert ("boss corrected it" in page, "<dd>22201</dd>" in page) == (True, True)

        correct(row, boss, postcode="20001", region="DC")
        shops.deliver_all()
        assert (sent_to()["postcode"], ChannelOrder.objects.get().problem) == ("20001", "")

    def test_the_same_address_from_the_shop_is_no_news(self, shop, channel, number, boss):
        Channel.objects.update(active=False)
        correct(ChannelOrder.objects.get(), boss)
        shops.deliver_all()
        Channel.objects.update(active=True)
        later(shop, 5)
        shop.books.change_order(number, {"shipping": BUYER})
        poll()
        assert (sent_to(), ChannelOrder.objects.get().problem) == (RIGHT, "")

    @pytest.mark.parametrize(("postcode", "problem"), [("ABC", ""), ("22201", ""), ("20001", "changed")])
    def test_after_it_is_taken_in_only_another_address_is_shown(self, shop, channel, number, boss, postcode, problem):
        correct(ChannelOrder.objects.get(), boss)
        shops.deliver_all()
        later(shop, 5)
        shop.books.change_order(number, {"shipping": {**BUYER, "postcode": postcode}})
        poll()
        row = ChannelOrder.objects.get()
        assert (row.problem, row.problem_detail) == (problem, "postcode" if problem else "")
        assert sent_to() == RIGHT

    def test_one_that_is_cancelled_there_wants_no_address(self, shop, channel, number, boss):
        later(shop, 5)
        shop.books.change_order(number, {"status": "cancelled"})
        poll()
        with pytest.raises(correcting.NoAddressWanted):
            correct(ChannelOrder.objects.get(), boss)
        assert ChannelOrder.objects.get().corrected_by is None

    def test_opened_again_it_still_goes_where_the_person_said(self, shop, channel, number, boss):
        correct(ChannelOrder.objects.get(), boss)
        shops.deliver_all()
        for seconds, status in enumerate(["cancelled", "processing"], start=5):
            later(shop, seconds * 2)
            shop.books.change_order(number, {"status": status})
            poll()
            poll()
        found = Order.objects.get(reference=f"WOO-{number}-2")
        assert found.ship_to.opened() == RIGHT


def test_a_wrong_part_is_refused_before_anything_is_kept(number, boss):
    with pytest.raises(InvalidInput) as refused:
        correct(ChannelOrder.objects.get(), boss, city="")
    assert [problem["path"] for problem in refused.value.details["problems"]] == [["city"]]


def test_a_buyer_is_found_by_the_address_that_was_corrected(channel, number, boss):
    Channel.objects.update(active=False)
    correct(ChannelOrder.objects.get(), boss, email="grace@navy.example")
    assert buyer_data.forget(by=None, email="Grace@navy.example").never_came_in == 1
    row = ChannelOrder.objects.get()
    assert (row.raw, PersonalRecord.objects.filter(kind="channel_order").exists()) == (None, False)
    Channel.objects.update(active=True)
    order_asking.ask_all()
    shops.deliver_all()
    assert not Order.objects.exists()
