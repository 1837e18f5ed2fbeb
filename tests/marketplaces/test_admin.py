import pytest
from django.test import Client
from django.utils import translation

from marketplaces import adapters, channels, places
from marketplaces.models import Channel, ChannelOrder, Listing
from tests import make
from tests.marketplaces import shops
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/marketplaces/channel/"


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def form(shop, merchant, house, **more):
    keys = {"woocommerce_consumer_key": shop.consumer_key, "woocommerce_consumer_secret": shop.consumer_secret}
    fields = {"merchant": merchant.pk, "warehouse": house.pk, "code": "WOO", "name": "My shop", "adapter": "woocommerce", "buffer": 2}
    no_rules = {"rules-TOTAL_FORMS": 0, "rules-INITIAL_FORMS": 0}
    return {**fields, **no_rules, "base_url": shop.url, **keys, **more}


KEPT = {"woocommerce_consumer_key": "", "woocommerce_consumer_secret": ""}


def test_a_channel_is_connected_told_and_paused_without_its_keys_ever_shown(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    thing = make.sku(merchant)
    shop.books.add_product(sku=thing.code)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    assert client.post(f"{LIST}add/", form(shop, merchant, house)).status_code == 302

    channel = Channel.objects.get()
    assert client.post(LIST, {"action": "fetch_listings", "_selected_action": channel.pk}).status_code == 302
    shops.deliver_all()
    assert (channel.user.merchant, shop.books.stock()) == (merchant, {thing.code: 8})
    address = f"{LIST}{channel.pk}/change/"
    page = client.get(address).content.decode()
    assert "My shop" in page
    assert shop.consumer_secret not in page
    assert client.post(address, form(shop, merchant, house, **KEPT, buffer=3)).status_code == 302
    assert Channel.objects.get().opened_credentials()["consumer_secret"] == shop.consumer_secret
    assert client.post(LIST, {"action": "tell_all", "_selected_action": channel.pk}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 7}
    client.post(LIST, {"action": "pause", "_selected_action": channel.pk}, headers={"accept-language": "de"})
    assert not Channel.objects.get().active
    for address in ("/desk", f"/desk/channels/{channel.pk}"):  # whoever reads it has a language of his own
        assert "paused in the administration" in client.get(address, headers={"accept-language": "en"}).text


def test_its_warehouses_are_shown_and_changed_at_the_desk_alone(shop, client, house, channel):
    second = make.warehouse("SECOND")
    places.set_warehouses(channel=channel, warehouses=[second, house], routing="split")
    address = f"{LIST}{channel.pk}/change/"
    page = client.get(address).content.decode()
    assert f"<div>SECOND</div><div>{house.code}</div>" in page
    assert "is split over as few warehouses as possible" in page
    assert f'href="/desk/channels/{channel.pk}">Change warehouses</a>' in page
    sent = form(shop, channel.merchant, house, **KEPT, routing="fallback")
    assert client.post(address, sent).status_code == 302
    kept = Channel.objects.get()
    assert (kept.buffer, [row.code for row in kept.houses], kept.routing) == (2, ["SECOND", house.code], "split")


def test_what_is_paused_while_its_form_is_saved_stays_paused(shop, client, house, channel, monkeypatch):
    real = adapters.connect

    def meanwhile(*args, **kwargs):
        Channel.objects.update(active=False, order_cursor="further")
        return real(*args, **kwargs)

    monkeypatch.setattr(adapters, "connect", meanwhile)
    sent = form(shop, channel.merchant, house, **KEPT, buffer=3, name="Another name")
    assert client.post(f"{LIST}{channel.pk}/change/", sent).status_code == 302
    saved = Channel.objects.get()
    assert (saved.name, saved.buffer, saved.active, saved.order_cursor) == ("Another name", 3, False, "further")


def test_a_key_that_is_missing_is_named_at_its_own_field(shop, client):
    answer = client.post(f"{LIST}add/", form(shop, make.merchant(), make.warehouse(), **KEPT))
    assert answer.context["adminform"].form.errors == {key: ["This is needed."] for key in KEPT}
    answer = client.post(f"{LIST}add/", form(shop, make.merchant(), make.warehouse(), woocommerce_consumer_key=""))
    assert answer.context["adminform"].form.errors == {"woocommerce_consumer_key": ["This is needed."]}
    assert shop.consumer_secret not in answer.content.decode()
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("language", "label"), [("en", "Refresh token of the app's authorisation"), ("de", "Refresh-Token der Autorisierung der App")]
)
def test_keys_are_asked_for_by_the_names_that_people_know(client, channel, language, label):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    fields = client.get(f"{LIST}add/").context["adminform"].form
    with translation.override(language):
        assert str(fields["amazon_refresh_token"].label) == f"Amazon: {label}"
    page = client.get(f"{LIST}{channel.pk}/change/").content.decode()
    assert ('name="woocommerce_consumer_key"' in page, "Amazon: " in page) == (True, False)


def test_one_key_is_corrected_and_the_others_stay(shop, client, house, channel):
    sent = form(shop, channel.merchant, house, **KEPT | {"woocommerce_consumer_key": "ck_new"})
    assert client.post(f"{LIST}{channel.pk}/change/", sent).status_code == 302
    assert Channel.objects.get().opened_credentials() == {"consumer_key": "ck_new", "consumer_secret": shop.consumer_secret}


def test_a_key_that_may_be_left_out_is_taken_away(shop, client, house, thing):
    """A new one beside that counts: nobody loses what he has typed."""
    keys = {"secret": "whsec_" + "c2VjcmV0" * 4, "location": "leipzig"}
    made = channels.connect(
        merchant=thing.merchant, warehouse=house, adapter="storefront", base_url="https://own.example", credentials=keys, name="Own"
    )
    address = f"{LIST}{made.pk}/change/"
    shown = client.get(address).content.decode()
    assert ('name="storefront_location_empty"' in shown, 'name="storefront_declaration_empty"' in shown) == (True, False)
    assert "_empty" not in client.get(f"{LIST}add/").content.decode()
    sent = form(shop, thing.merchant, house, code=made.code, name="Own", base_url=made.base_url, storefront_location_empty="on")
    assert client.post(address, {**sent, "storefront_location": "berlin"}).status_code == 302
    assert Channel.objects.get().opened_credentials() == keys | {"location": "berlin"}
    assert client.post(address, sent).status_code == 302
    assert Channel.objects.get().opened_credentials() == keys | {"location": ""}
    assert 'name="storefront_location_empty"' not in client.get(address).content.decode()


def test_a_shop_that_refuses_the_keys_is_said_so(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    client.post(f"{LIST}add/", form(shop, merchant, house, woocommerce_consumer_key="ck_x", woocommerce_consumer_secret="cs_x"))
    answer = client.post(LIST, {"action": "fetch_listings", "_selected_action": Channel.objects.get().pk}, follow=True)
    assert "cannot be asked now" in answer.content.decode()
    assert Channel.objects.get().last_error == "channel_credentials_refused: Consumer key is invalid."
    assert not Listing.objects.exists()


def test_listings_and_orders_are_shown_and_a_listing_is_tied_by_hand(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    thing, other = make.sku(merchant), make.sku(merchant)
    shop.books.add_product(sku="THEIRS")
    channel = shops.selling(shop, house, {thing: 4})
    unknown = Listing.objects.get(external_sku="THEIRS")
    make.stock(make.bin_of(house, "A-01"), other, 6)
    assert "THEIRS" in client.get("/admin/marketplaces/listing/").content.decode()
    assert client.post(f"/admin/marketplaces/listing/{unknown.pk}/change/", {"sku": other.pk}).status_code == 302
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 4, "THEIRS": 6}

    ChannelOrder.objects.create(channel=channel, merchant=merchant, external_id="1", number="N-77", status="refused", problem="refused")
    assert "N-77" in client.get("/admin/marketplaces/channelorder/").content.decode()
    assert client.get("/admin/marketplaces/channelorder/add/").status_code == 403


def test_what_orders_hang_on_is_never_changed_and_no_channel_deleted(shop, client):
    merchant, house = make.merchant(), make.warehouse()
    channel = shops.connect(shop, merchant, house, code="WOO")
    other = form(shop, make.merchant(), make.warehouse(), **KEPT, adapter="nonsense", name="Renamed")
    assert client.post(f"{LIST}{channel.pk}/change/", other).status_code == 302

    channel.refresh_from_db()
    assert (channel.name, channel.merchant, channel.warehouse, channel.adapter) == ("Renamed", merchant, house, "woocommerce")
    assert client.post(f"{LIST}{channel.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": channel.pk, "post": "yes"})
    assert Channel.objects.get() == channel


@pytest.mark.parametrize("known", [False, True])
def test_a_code_that_is_taken_is_said_beside_its_field(shop, client, known):
    merchant, house = make.merchant(), make.warehouse()
    shops.connect(shop, merchant, house, code="WOO")
    second = shops.connect(shop, merchant, house, code="WOO2").pk if known else None
    answer = client.post(f"{LIST}{second}/change/" if known else f"{LIST}add/", form(shop, merchant, house))

    assert (answer.status_code, answer.context["adminform"].form.errors) == (200, {"code": ["The merchant has a channel with this code."]})
    assert sorted(Channel.objects.values_list("code", flat=True)) == (["WOO", "WOO2"] if known else ["WOO"])


def test_an_address_that_is_none_is_said_beside_its_field(shop, client):
    channel = shops.connect(shop, make.merchant(), make.warehouse(), code="WOO")
    answer = client.post(
        f"{LIST}{channel.pk}/change/", form(shop, channel.merchant, channel.warehouse, **KEPT, base_url="https://a.b/?c=1")
    )
    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["base_url"])
    assert Channel.objects.get().base_url == shop.url


def test_a_sku_of_another_merchant_is_said_beside_its_field(shop, client):
    thing = make.sku(make.merchant())
    shops.selling(shop, make.warehouse(), {thing: 4})
    listing = Listing.objects.get()
    stranger = make.sku(make.merchant())
    answer = client.post(f"/admin/marketplaces/listing/{listing.pk}/change/", {"sku": stranger.pk})
    assert (answer.status_code, answer.context["adminform"].form.errors) == (200, {"sku": ["Unknown sku."]})
    assert Listing.objects.get().sku == thing
