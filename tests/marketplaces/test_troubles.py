"""What workers write of a shop's trouble is read by people of four languages."""

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

import marketplaces
from inventory.models import Warehouse
from marketplaces import troubles
from marketplaces.calling import ChannelQuiet, calling
from marketplaces.models import Channel, ChannelOrder, Listing
from marketplaces.port import (
    CallThrottled,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    MessageUnreadable,
    NotOnChannel,
    reasons,
)
from outbound.models import Order
from outbound.orders import NewLine, NewOrder
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.woo_shop import fail, throttle
from wms.core.errors import InvalidInput, NotFound
from wms.core.models import User


@pytest.mark.parametrize(
    ("error", "kept", "german"),
    [
        (ChannelUnavailable(reason="HTTP 500"), "channel_unavailable: HTTP 500", "Der Shop ist nicht erreichbar: HTTP 500"),
        (ChannelThrottled(reason="2 a second"), "channel_throttled: 2 a second", "Der Shop bittet um Verlangsamung: 2 a second"),
        (CallThrottled(reason="lists"), "channel_throttled: lists", "Der Shop bittet um Verlangsamung: lists"),
        (ChannelRefused(reason="Closed: {no}"), "channel_refused: Closed: {no}", "Der Shop lehnte ab: Closed: {no}"),
        (CredentialsRefused(reason=""), "channel_credentials_refused: ", "Der Shop lehnt unsere Schlüssel ab"),
        (NotOnChannel(reason="7\x00"), "not_on_channel: 7", "Der Shop hat es nicht: 7"),
    ],
)
def test_an_error_is_kept_by_its_name_and_read_in_ones_own_language(error, kept, german):
    with translation.override("zh-hans"):
        assert troubles.kept(error) == kept
    with translation.override("de"):
        assert troubles.in_words(kept) == german
    with translation.override("en"):
        assert troubles.in_words(f"queue: {kept}").startswith("Its queue: The shop ")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("throttled: 2 a second", "The shop asks us to slow down: 2 a second"),
        ("unavailable: HTTP 500", "The shop cannot be reached: HTTP 500"),
        ("unknown_listing: gone", "The shop does not have it: gone"),
        ("spent: 250 today", "The shop takes no number for it at the moment: 250 today"),
        ("Somebody wrote: this", "Somebody wrote: this"),
        ("order A: 7: KeyError: 'lines'", "order A: 7: lines is missing"),
        ("order 2009: ValueError: quantity is '-5'", "order 2009: quantity is '-5'"),
        ("order 2009: TypeError: a list is no text", "order 2009: TypeError: a list is no text"),
        ("", ""),
    ],
)
def test_an_answer_to_a_push_and_what_has_no_name(said, words):
    with translation.override("en"):
        assert troubles.in_words(said) == words


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        ("nobody answers at 127.0.0.1:9", "unter 127.0.0.1:9 antwortet niemand"),
        ("no answer in time", "keine Antwort in der Zeit, die dafür bleibt"),
        ("no answer in time (ReadTimeout)", "keine Antwort in der Zeit, die dafür bleibt (ReadTimeout)"),
        ("'shop' is not the address of a shop's API", "'shop' ist nicht die Adresse der API eines Shops"),
        ("the shop answered something else than a list", "der Shop antwortete etwas anderes als eine Liste"),
        ("nobody answers at ", "nobody answers at "),
        ("Nobody {knows}", "Nobody {knows}"),
    ],
)
def test_a_reason_of_our_own_is_read_in_ones_own_language_and_a_shop_s_word_as_it_is(reason, german):
    """Live, and as a worker kept it."""
    error = ChannelUnavailable(reason=reason)
    with translation.override("de"):
        assert troubles.in_words(troubles.kept(error)) == f"Der Shop ist nicht erreichbar: {german.rstrip()}"
        assert str(error) == f"Der Shop ist nicht erreichbar: {german}"
        assert error.details["reason"] == reason


@pytest.mark.parametrize("language", ["en", "de", "es", "zh-hans"])
def test_every_reason_of_our_own_is_found_again_in_any_language(language):
    for own in reasons._OURS:
        blanks = dict.fromkeys(re.findall(r"\{(\w+)\}", own), "X y: 'z'")
        with translation.override(language):
            assert reasons.in_words(own.format(**blanks)) == translation.gettext(own).format(**blanks)


def test_what_is_filled_in_is_read_in_ones_own_language_too():
    with translation.override("de"):
        assert reasons.in_words(reasons.unreadable(reasons.ORDERS, "'edges'")) == "seine Antwort zu „Aufträge“ ist nicht lesbar: 'edges'"
        assert reasons.in_words(f"HTTP 301: {reasons.MOVED.format(what='https://x')}") == "HTTP 301: die API ist umgezogen nach https://x"
        assert reasons.in_words("order 7, refund: KeyError: 'line_items'") == "Bestellung 7, refund: line_items fehlt"
        assert reasons.in_words(f"order 7: ValueError: {reasons.NO_DATE}") == "Bestellung 7: es fehlt das Datum"
        assert str(MessageUnreadable(reason="order 7: KeyError: 'id'")).endswith(": Bestellung 7: id fehlt")
    with translation.override("en"):
        assert reasons.in_words(reasons.NO_SUCH_ORDER.format(what="7")) == "order 7 is not there"


def test_nobody_gives_a_reason_of_his_own_that_nobody_could_translate():
    """A text of several words stands in `reasons`: what is put together elsewhere is a shop's words and names."""
    said = []
    for path in Path(marketplaces.__path__[0]).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            texts = [keyword.value for keyword in call.keywords if keyword.arg in ("reason", "message") and name[:1].isupper()]
            texts += call.args[1:] if name in ("all_are", "failed") else []
            words = [
                part.value for text in texts for part in ast.walk(text) if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            said += [(path.name, call.lineno, text) for text in words if re.search(r"[a-z]{2,} [a-z]{2,}", text)]
    assert said == []


def test_details_name_goods_and_parts_in_place_of_the_shop_s_ids_and_our_fields():
    lines = [{"line_id": "23", "sku": "MUG", "quantity": 2}]
    with translation.override("en"):
        assert troubles.detail_in_words("cancellation requested, 23: 2>1, 24: 0>3, line1", lines) == (
            "the buyer wants to cancel, MUG: 2 → 1, 24: 0 → 3, Street and number"
        )
        assert troubles.detail_in_words("country (unknown), 23: A>B, of (missing)", lines) == (
            "Country: There is none of this name, MUG: A → B, of (missing)"
        )
    with translation.override("zh-hans"):
        assert troubles.detail_in_words("name (missing)", lines) == "姓名: 此项必填"
    with translation.override("de"):
        assert troubles.detail_in_words("cancellation requested", lines) == "der Käufer möchte stornieren"
        assert [troubles.detail_in_words(state, lines) for state in ("pending", "shipped", "cancelled")] == [
            "im Shop nicht mehr bezahlt", "versandt", "storniert",
        ]  # fmt: skip


def test_a_refusal_names_what_the_warehouse_does_not_take():
    asked = NewOrder("R1", "MAIN", {}, [NewLine("MUG", 1), NewLine("TEA", 2), NewLine("MUG", 3)])
    skus = [{"path": ["lines", number, "sku"], "message": "Unknown sku."} for number in (0, 2)]
    kept = troubles.refusal(InvalidInput(skus), asked)
    assert kept == "unknown_sku: MUG"
    assert troubles.refusal(InvalidInput([{"path": ["warehouse"], "message": "Unknown warehouse."}]), asked) == "unknown_warehouse: MAIN"
    with translation.override("en"):
        assert troubles.refusal(NotFound(what="order", key=7), asked) == "order 7 was not found."
        assert troubles.detail_in_words(f"{kept}, unknown_warehouse: MAIN, {troubles.number_twice('7')}, note: none", []) == (
            "sku MUG is not known here, or closed, warehouse MAIN is not known here, or closed, another order of the shop has the same number: 7, "
            "note: none"
        )


@pytest.mark.django_db(transaction=True)
def test_an_order_that_the_warehouse_refuses_is_explained_in_the_reader_s_language(shop, channel, house, thing):
    Warehouse.objects.update(active=False)
    shop.books.place_order([(thing.code, 2)], shipping=shops.BUYER)
    shops.poll()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("refused", "refused", f"unknown_warehouse: {house.code}")
    client = Client(headers={"accept-language": "de"})
    client.force_login(User.objects.create_superuser("root"))
    assert f"Lager {house.code} ist hier unbekannt oder geschlossen" in client.get(f"/desk/channels/{channel.pk}").content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["a push", "a poll"])
def test_a_shop_that_throttles_is_said_to_ask_us_to_slow_down_and_until_when(shop, channel, house, thing, where):
    shop.misbehave("POST products/batch" if where == "a push" else "GET orders", throttle("90"))
    if where == "a push":
        make.stock(make.bin_of(house, "A-01"), thing, 1)
        shops.deliver_all()
    else:
        shops.poll()
    channel.refresh_from_db()
    assert channel.last_error.partition(":")[0] == "channel_throttled"
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_superuser("root"))
    for page in ("/desk", "/desk/channels", f"/desk/channels/{channel.pk}", f"/desk/channels/{channel.pk}/drift"):
        text = client.get(page).content.decode()
        assert ("The shop asks us to slow down" in text, "left alone until" in text, "cannot be reached" in text) == (True, True, False), (
            page
        )


@pytest.mark.django_db(transaction=True)
def test_every_page_that_shows_a_trouble_says_it_in_the_reader_s_language(shop, channel, thing):
    """Found by a worker, which has no language."""
    shop.misbehave(".*", fail(500))
    with pytest.raises(ChannelQuiet), calling(channel) as adapter:
        adapter.try_out()
    Listing.objects.update(last_error="refused: not this one")
    ChannelOrder.objects.create(
        channel=channel, merchant=channel.merchant, external_id="7", status="imported", problem="changed",
        problem_detail="cancellation requested, 1: 2>1", lines=[{"line_id": "1", "sku": thing.code, "quantity": 2}],
    )  # fmt: skip
    assert Channel.objects.get().last_error.startswith("channel_unavailable: HTTP 500")
    client = Client(headers={"accept-language": "de"})
    client.force_login(User.objects.create_superuser("root"))
    for page in ("/desk", "/desk/channels", f"/desk/channels/{channel.pk}"):
        assert "Der Shop ist nicht erreichbar: HTTP 500" in client.get(page).content.decode()
    text = client.get(f"/desk/channels/{channel.pk}").content.decode()
    assert "Der Shop lehnte ab: not this one" in text
    assert f"der Käufer möchte stornieren, {thing.code}: 2 → 1" in text


@pytest.mark.django_db(transaction=True)
def test_what_the_shop_changed_stands_on_the_order_s_own_page_and_is_counted_on_the_board(shop, channel, thing):
    """Whoever releases and packs reads those, and not the page of each shop."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    number = shop.books.place_order([(thing.code, 2)], shipping=shops.BUYER)
    shops.poll()
    order = Order.objects.get()
    assert "data-shop-problem" not in client.get(f"/desk/orders/{order.pk}").content.decode()
    assert 'data-shops-orders="0"' in client.get("/desk").content.decode()
    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
    shop.books.refund(number, {shop.books.order(number)["line_items"][0]["id"]: 1})
    shops.poll()
    page = client.get(f"/desk/orders/{order.pk}").content.decode()
    assert 'data-shop-problem="changed"' in page
    assert f"My shop: changed in the shop after it was imported ({thing.code}: 2 → 1)." in page
    assert "Cancel it in the shop" not in page
    assert 'data-shops-orders="1"' in client.get("/desk").content.decode()
    ChannelOrder.objects.update(cancellation_requested=True, problem_detail=troubles.WISH)
    page = client.get(f"/desk/orders/{order.pk}").content.decode()
    assert "(the buyer wants to cancel)." in page
    assert "Cancel it in the shop" in page
