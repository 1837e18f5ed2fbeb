"""What supervisors do with shops and dead letters at the desk: each action works, or is refused with its page and status."""

import json
import re
from datetime import timedelta
from html import unescape

from django.conf import settings
from django.test import Client
from django.utils import timezone

from inventory.models import Sku
from marketplaces import adapters
from marketplaces.models import Channel, Comparison
from marketplaces.port import ChannelUnavailable, reasons
from outbound import orders
from tests import make
from tests.desk.house import House
from tests.desk.test_actions import refusal
from tests.marketplaces.test_standings import connect
from wms.core import faults, happenings
from wms.core.models import OutboxEvent, User


def test_a_shop_sells_out_of_several_warehouses(desk: Client, house: House) -> None:
    make.warehouse("EAST")
    fields = {
        "merchant": "ACME", "warehouse": "HOUSE", "adapter": "woocommerce", "name": "Shop", "base_url": "http://127.0.0.1:9",
        "consumer_key": "ck_1", "consumer_secret": "cs_1", "routing": "split",
    }  # fmt: skip
    refused = desk.post("/desk/channels/connect", {**fields, "further": "EAST, NOWHERE"})
    assert (refused.status_code, refusal(refused), Channel.objects.count()) == (422, "invalid_input", 0)
    assert desk.post("/desk/channels/connect", {**fields, "further": "EAST"}).status_code == 303
    channel = Channel.objects.get()
    assert ([found.code for found in channel.houses], channel.routing) == (["HOUSE", "EAST"], "split")
    assert "HOUSE, EAST" in desk.get(f"/desk/channels/{channel.pk}").content.decode()

    address = f"/desk/channels/{channel.pk}/warehouses"
    for wrong in ({"warehouses": " ", "routing": "split"}, {"warehouses": "EAST", "routing": "nearest"}, {"warehouses": "NOWHERE"}):
        answer = desk.post(address, wrong)
        assert (answer.status_code, refusal(answer)) == (422, "invalid_input")
    assert [found.code for found in Channel.objects.get().houses] == ["HOUSE", "EAST"]
    assert desk.post(address, {"warehouses": "EAST HOUSE", "routing": "fallback"}).status_code == 303
    channel = Channel.objects.get()
    assert ([found.code for found in channel.houses], channel.routing) == (["EAST", "HOUSE"], "fallback")


def test_an_order_shows_the_other_parts_of_the_shop_s_order(desk: Client, house: House) -> None:
    east = make.warehouse("EAST")
    first = house.order(2)
    accepted = orders.accept(merchant=house.merchant, order=make.order(east, {house.sku: 1}, f"{first.reference}-P2"))
    assert "data-part" not in desk.get(f"/desk/orders/{first.pk}").content.decode()
    shop = connect(merchant=house.merchant, warehouse=house.warehouse)
    row = make.sold_on(shop, first)
    row.parts.create(number=2, warehouse=east, reference=f"{first.reference}-P2", order_id=accepted.id)
    page = desk.get(f"/desk/orders/{first.pk}").content.decode()
    assert page.count("data-part=") == 2
    assert f'href="/desk/orders/{accepted.id}"' in page


def test_an_order_with_a_number_of_another_ones_is_said_to_be_that_one(desk: Client, house: House) -> None:
    shop = connect(merchant=house.merchant, warehouse=house.warehouse)
    row = make.sold_on(shop, house.order(2))
    shop.orders.update(problem="changed")
    assert "It is this order" not in desk.get(f"/desk/channels/{shop.pk}").text
    assert desk.post(f"/desk/channels/{shop.pk}/recognise", {"order": row.pk}).status_code == 404
    row.parts.update(merchants_own=True)
    shop.orders.update(problem="other_content")
    assert "It is this order" in desk.get(f"/desk/channels/{shop.pk}").text
    assert desk.post(f"/desk/channels/{shop.pk}/recognise", {"order": row.pk}).status_code == 303
    assert (shop.orders.get().problem, row.parts.get().merchants_own) == ("", False)


def test_a_shop_is_connected_tied_paused_and_resumed(desk: Client, house: House) -> None:
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "adapter": "woocommerce", "name": "Shop", "base_url": "http://127.0.0.1:9"}
    missing = desk.post("/desk/channels/connect", fields)
    assert (missing.status_code, refusal(missing), Channel.objects.count()) == (422, "credentials_missing", 0)
    answer = desk.post("/desk/channels/connect", {**fields, "consumer_key": "ck_1", "consumer_secret": "cs_1", "buffer": "2"})
    channel = Channel.objects.get()
    assert (answer.status_code, answer["Location"], channel.buffer) == (303, f"/desk/channels/{channel.pk}", 2)
    assert "cs_1" not in desk.get(f"/desk/channels/{channel.pk}").content.decode()
    listing = channel.listings.create(merchant=house.merchant, external_id="7", external_sku="SHOP-LAMP")
    assert desk.post(f"/desk/channels/{channel.pk}/tie", {"listing": listing.pk, "sku": "LAMP"}).status_code == 303
    page = desk.get(f"/desk/channels/{channel.pk}")
    assert page.context["ours"] == {listing.pk: 98}
    assert desk.post(f"/desk/channels/{channel.pk}/tie", {"listing": listing.pk, "sku": "WHAT"}).status_code == 422
    line = {"line_id": "1", "listing_id": "8", "sku": "SHADE", "components": [], "quantity": 3}
    order = channel.orders.create(
        merchant=house.merchant, external_id="1", status="unmapped", problem="unknown_goods", shop_state="open", lines=[line]
    )
    page = desk.get(f"/desk/channels/{channel.pk}")
    assert [(str(goods), goods.listing_id, goods.units) for goods in page.context["goods"]] == [("SHADE", "8", 3)]
    assert (page.text.count('name="goods" value="8"'), page.text.count("dismiss")) == (1, 0)
    assert desk.post(f"/desk/channels/{channel.pk}/tie", {"goods": "9", "sku": "LAMP"}).status_code == 404
    assert desk.post(f"/desk/channels/{channel.pk}/tie", {"goods": "8", "sku": "LAMP"}).status_code == 303
    assert channel.listings.get(external_id="8").sku == Sku.objects.get(code="LAMP")
    assert desk.post(f"/desk/channels/{channel.pk}/dismiss", {"order": order.pk}).status_code == 404
    channel.orders.update(status="imported", problem="changed")
    assert "dismiss" in desk.get(f"/desk/channels/{channel.pk}").text
    assert desk.post(f"/desk/channels/{channel.pk}/dismiss", {"order": order.pk}).status_code == 303
    assert (channel.orders.get().problem, desk.get(f"/desk/channels/{channel.pk}").context["problems"].count()) == ("", 0)
    channel.orders.all().delete()
    for does, active in (("pause", False), ("resume", True), ("push", True), ("poll", True), ("retry", True)):
        assert desk.post(f"/desk/channels/{channel.pk}/{does}", {"reason": "moving"}).status_code == 303
        assert Channel.objects.get().active is active
    assert desk.post(f"/desk/channels/{channel.pk}/keys", {"consumer_key": "ck_2", "consumer_secret": "cs_2"}).status_code == 303
    assert Channel.objects.get().opened_credentials() == {"consumer_key": "ck_2", "consumer_secret": "cs_2"}


def test_when_a_shop_was_compared_is_said_in_the_order_of_the_readers_language(desk: Client, house: House) -> None:
    channel = connect(merchant=house.merchant, warehouse=house.warehouse)
    Comparison.objects.create(channel=channel, at=timezone.now(), listing_count=3)
    page = desk.get(f"/desk/channels/{channel.pk}/drift", headers={"accept-language": "de"}).content.decode()
    assert re.search(r"3 Angebote wurden <time [^>]+>gerade eben</time> verglichen ·", page)


def test_a_shop_that_is_down_is_said_on_the_page(desk: Client, house: House) -> None:
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "adapter": "woocommerce", "name": "Shop", "base_url": "http://127.0.0.1:9"}
    desk.post("/desk/channels/connect", {**fields, "consumer_key": "ck_1", "consumer_secret": "cs_1"})
    channel = Channel.objects.get()
    for answer in (desk.post(f"/desk/channels/{channel.pk}/fetch"), desk.get(f"/desk/channels/{channel.pk}/compare")):
        assert (answer.status_code, refusal(answer)) == (503, "channel_quiet")
    assert "data-trouble" in desk.get("/desk").content.decode()


def test_a_dead_letter_s_content_is_json_that_people_can_read(desk: Client, house: House) -> None:
    payload = {"channel_id": 7, "poll": True, "because": "Größe “L”", "at": None}
    OutboxEvent.objects.create(topic="t", handler="nobody.hears", payload=payload, attempts=15, dead_at=timezone.now())
    shown = re.search(r'<td class="clip code" title="([^"]*)">(.*?)</td>', desk.get("/desk/dead-letters").content.decode(), re.DOTALL)
    assert shown is not None
    assert [json.loads(unescape(text)) for text in shown.groups()] == [payload, payload]
    assert "Größe “L”" in shown[2]


def test_a_dead_letter_names_its_shop_and_what_went_wrong(desk: Client, house: House) -> None:
    """Of a traceback its last exception."""
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "adapter": "woocommerce", "name": "Shop", "base_url": "http://127.0.0.1:9"}
    desk.post("/desk/channels/connect", {**fields, "consumer_key": "ck_1", "consumer_secret": "cs_1"})
    channel = Channel.objects.get()
    trace = "Traceback (most recent call last):\n  File x\nValueError: boom\n"
    for key in (channel.pk, 0):
        OutboxEvent.objects.create(topic="t", handler="nobody.hears", payload={"channel_id": key}, last_error=trace, dead_at=timezone.now())
    page = desk.get("/desk/dead-letters").content.decode()
    assert page.count(f'<a href="/desk/channels/{channel.pk}">Shop</a>') == 1
    assert page.count(">ValueError: boom</td>") == 2


def test_a_dead_letter_of_the_database_shows_no_row_and_in_the_readers_language(desk: Client, house: House) -> None:
    """Also one that was kept before there was less of it."""
    said = 'django.db.utils.IntegrityError: duplicate key value violates unique constraint "once"\nDETAIL:  Key (name)=(Grace Hopper) already exists.\n'
    OutboxEvent.objects.create(topic="t", handler="nobody.hears", payload={}, last_error=said, dead_at=timezone.now())
    page = desk.get("/desk/dead-letters", headers={"accept-language": "de"}).content.decode()
    assert "Die Datenbank sagt: duplicate key value violates unique constraint &quot;once&quot;</td>" in page
    assert "Grace" not in page


def test_a_dead_letter_says_in_the_readers_words_what_has_to_be_done(desk: Client, house: House) -> None:
    assert set(happenings.WORDS) == set(settings.OUTBOX_ROUTES)
    OutboxEvent.objects.create(topic="parcel.left", handler="marketplaces.tracking.tell", payload={}, dead_at=timezone.now())
    page = desk.get("/desk/dead-letters", headers={"accept-language": "de"}).content.decode()
    assert "Pakete sind fort: ihr Shop bekommt die Sendungsnummern" in page
    assert "parcel.left -&gt; marketplaces.tracking.tell" in page


def test_a_dead_letter_says_in_the_readers_language_what_went_wrong(desk: Client, house: House) -> None:
    said = faults.of(ChannelUnavailable(reason=reasons.TOO_LATE))
    OutboxEvent.objects.create(topic="parcel.left", handler="nobody.hears", payload={}, last_error=said, dead_at=timezone.now())
    OutboxEvent.objects.create(topic="channel.heard", handler="nobody.hears", payload={}, last_error=faults.LOST, dead_at=timezone.now())
    page = desk.get("/desk/dead-letters", headers={"accept-language": "de"}).content.decode()
    assert ">Der Shop ist nicht erreichbar: keine Antwort in der Zeit, die dafür bleibt</td>" in page and "ChannelUnavailable" not in page
    assert ">Der Worker endete, bevor er fertig war, immer wieder.</td>" in page


def test_dead_letters_are_replayed(desk: Client, house: House) -> None:
    events = [
        OutboxEvent.objects.create(topic="t", handler="nobody.hears", payload={}, attempts=15, dead_at=timezone.now()) for _each in range(3)
    ]
    assert desk.post("/desk/dead-letters/replay", {"event": events[0].pk}).status_code == 303
    assert OutboxEvent.objects.filter(topic="t", dead_at=None).count() == 1
    assert desk.post("/desk/dead-letters/replay", {"all": "yes"}).status_code == 303
    assert OutboxEvent.objects.filter(topic="t", dead_at=None, attempts=0).count() == 3


def test_that_nobody_works_in_the_background_is_said(desk: Client, house: House) -> None:
    shop = connect(merchant=house.merchant, warehouse=house.warehouse)
    pages = ("/desk", f"/desk/channels/{shop.pk}")
    assert ["data-behind" in desk.get(url).content.decode() for url in pages] == [False, False]
    OutboxEvent.objects.create(topic="t", handler="nobody.hears", payload={}, due_at=timezone.now() - timedelta(minutes=3))
    assert ["data-behind" in desk.get(url).content.decode() for url in pages] == [True, True]


def test_all_that_is_missing_in_the_form_is_named_at_once(desk: Client, house: House) -> None:
    def missing(**fields: str) -> list[str]:
        refused = desk.post("/desk/channels/connect", fields)
        assert (refused.status_code, refusal(refused), Channel.objects.count()) == (422, "invalid_input", 0)
        return re.findall(r"data-path=\"[^\"]*\"><b>([^<]*)</b>: This is needed", refused.text)

    assert missing() == ["Merchant", "Warehouse", "Name", "Marketplace", "Address"]
    keys = {"woocommerce.consumer_key": "ck_1", "consumer_secret": " "}
    assert missing(merchant="ACME", warehouse="NOWHERE", name=" ", adapter="woocommerce", base_url="http://127.0.0.1:9", **keys) == [
        "Warehouse", "Name", "Consumer secret",
    ]  # fmt: skip


def test_keys_that_were_typed_for_another_marketplace_are_not_taken(desk: Client, house: House) -> None:
    """Whoever chooses another one in the form no longer sees what was typed for the first."""
    amazon = {"amazon.client_id": "of Amazon", "amazon.client_secret": "also secret"}
    ebay = {"adapter": "ebay", "ebay.client_id": "of eBay", "ebay.client_secret": "typed in vain", "ebay.refresh_token": ""}
    fields = {"merchant": "ACME", "warehouse": "HOUSE", "name": "Shop", "base_url": "http://127.0.0.1:9", **amazon, **ebay}
    refused = desk.post("/desk/channels/connect", fields)
    assert (refused.status_code, refusal(refused)) == (422, "credentials_missing")
    # What was typed is still there, but for what is secret: a page is kept by browsers, proxies and pictures of it.
    page = refused.content.decode()
    assert 'name="ebay.client_id" value="of eBay"' in page
    assert ("typed in vain" in page, "also secret" in page, re.findall(r'name="([\w.]+)"[^>]*><small class="warn" data-again>', page)) == (
        False, False, ["amazon.client_secret", "ebay.client_secret"],
    )  # fmt: skip
    assert "eBay needs “Refresh token of the seller&#x27;s consent”." in page
    assert desk.post("/desk/channels/connect", {**fields, "ebay.refresh_token": "r"}).status_code == 303
    assert Channel.objects.get().opened_credentials() == {"client_id": "of eBay", "client_secret": "typed in vain", "refresh_token": "r"}


def test_keys_that_are_refused_come_back_but_for_the_secret_ones(desk: Client, house: House) -> None:
    """A form that comes back is open, with what nobody has to type again."""
    shop = connect(
        merchant=house.merchant, warehouse=house.warehouse, adapter="woocommerce", credentials={"consumer_key": "c", "consumer_secret": "s"}
    )
    address = f"/desk/channels/{shop.pk}"
    typed = {"consumer_key": "", "consumer_secret": "typed in vain", "base_url": "https://other.example"}
    refused = desk.post(f"{address}/keys", typed)
    assert (refused.status_code, refusal(refused)) == (422, "credentials_missing")
    page = refused.text
    assert ("typed in vain" in page, page.count("data-again"), page.count('value="https://other.example"')) == (False, 1, 1)
    assert '<details class="card" open><summary>Change address or keys' in page
    page = desk.post(f"{address}/keys", {**typed, "consumer_key": "ck_2", "consumer_secret": ""}).text
    assert ('name="consumer_key" value="ck_2"' in page, "data-again" in page) == (True, False)
    # Another form's field of the same name is no key.
    page = desk.post(f"{address}/pause", {"consumer_key": "ck_2", "consumer_secret": "s", "reason": ""}).text
    assert ("ck_2" in page, "data-again" in page, " open><summary>Change" in page) == (False, False, False)


def test_keys_are_asked_for_by_the_names_that_people_know_and_secret_ones_are_dots(desk: Client, house: House) -> None:
    page = desk.get("/desk/channels/connect").content.decode()
    for name in adapters.names():
        assert f"the address is like {adapters.adapter(name).EXAMPLE}" in page
        for key in adapters.keys(name):
            field = page[page.index(f'name="{name}.{key.name}"') :].partition(">")[0]
            assert ('type="password"' in field) is key.secret, key
            assert f": {key.name}<input" not in page
    assert "Amazon: LWA client ID of the app<input" in page
    secret = {key.name for name in adapters.names() for key in adapters.keys(name) if key.secret}
    assert secret == {"secret", "client_secret", "consumer_secret", "access_token", "refresh_token", "aws_secret_access_key"}
    german = Client(headers={"accept-language": "de"})
    german.force_login(User.objects.get(pk=desk.session["_auth_user_id"]))
    assert "Amazon: Händlertoken (Verkäufer-ID)<input" in german.get("/desk/channels/connect").content.decode()
