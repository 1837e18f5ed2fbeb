"""Keys, signatures and answers that are none."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marketplaces.adapters._http import new_client
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.adapters.woocommerce.connection import Connection, oauth_query, plain
from marketplaces.port import ChannelThrottled, ChannelUnavailable, CredentialsRefused, RightsMissing
from tests.marketplaces.adapters.clock import HASTE_S
from tests.marketplaces.misbehaving import hang_up, slow
from tests.marketplaces.woo_shop import WooShop, fail, page_of_html, throttle

from .conftest import adapter


def test_the_signature_of_rfc_5849() -> None:
    """The base string of the RFC's section 3.4.1 rules, signed by hand with `openssl dgst -sha256 -hmac 'cs_secret&' -binary | base64`."""
    query = oauth_query(
        method="get",
        url="http://shop.example/wp-json/wc/v3/orders",
        params={"status": "processing,on-hold", "modified_after": "2026-11-20T12:00:00", "search": "a b+c~&"},
        key="ck_key",
        secret="cs_secret",
        timestamp=1764000000,
        nonce="n1",
    )
    assert query == (
        "modified_after=2026-11-20T12%3A00%3A00&oauth_consumer_key=ck_key&oauth_nonce=n1&oauth_signature_method=HMAC-SHA256"
        "&oauth_timestamp=1764000000&search=a%20b%2Bc~%26&status=processing%2Con-hold"
        "&oauth_signature=s8pznXm8uYJq3BGwfiToF2%2BYi5gCBFK71FgjIdurWhE%3D"
    )


def test_plain_http_is_signed_and_the_secret_never_travels(shop: WooShop, woo: WooCommerce) -> None:
    woo.listings()
    (call,) = shop.calls
    assert "authorization" not in call.headers
    assert call.params["oauth_signature_method"] == "HMAC-SHA256"
    assert "cs_loopback" not in str(call.params)


def test_every_request_has_its_own_nonce(shop: WooShop, woo: WooCommerce) -> None:
    woo.listings()
    woo.listings()
    assert len({call.params["oauth_nonce"] for call in shop.calls}) == 2


def test_a_wrong_secret_is_refused(shop: WooShop, client: httpx.Client) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client=client, secret="cs_wrong").listings()
    assert caught.value.channel_code == "woocommerce_rest_authentication_error"
    assert caught.value.details["reason"] == "Invalid signature - provided signature does not match."


def test_the_base_path_is_configurable(client: httpx.Client) -> None:
    with WooShop(base_path="/de/shop/wp-json/wc/v3") as shop:
        assert (
            WooCommerce(base_url=f"{shop.url}/", consumer_key="ck_loopback", consumer_secret="cs_loopback", client=client)
            .listings()
            .listings
            == ()
        )
        with pytest.raises(ChannelUnavailable) as caught:
            WooCommerce(
                base_url=shop.url.replace("/de", ""), consumer_key="ck_loopback", consumer_secret="cs_loopback", client=client
            ).listings()
        assert caught.value.details["reason"] == "HTTP 404 Not Found"


def test_default_ports_are_left_out_of_the_signed_address() -> None:
    def base(url: str) -> str:
        return Connection(base_url=url, consumer_key="k", consumer_secret="s").base_url

    assert base("http://Shop.Example:80/wp-json/wc/v3/") == "http://shop.example/wp-json/wc/v3"
    assert base("https://shop.example:443/x") == "https://shop.example/x"
    assert base("http://shop.example:8080/x") == "http://shop.example:8080/x"


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback shop")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "shop.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_https_takes_the_keys_as_basic_and_the_certificate_is_checked(tmp_path: Path) -> None:
    pem = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with WooShop(tls=tls) as shop:
        with new_client(verify=ssl.create_default_context(cafile=str(pem))) as client:
            assert adapter(shop, client=client).listings().listings == ()
            with pytest.raises(CredentialsRefused):
                adapter(shop, client=client, secret="cs_wrong").listings()
        with new_client() as client, pytest.raises(ChannelUnavailable) as caught:
            adapter(shop, client=client).listings()
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.details["reason"]
        assert [call.headers["authorization"].split()[0] for call in shop.calls] == ["Basic", "Basic"]
        assert all(not call.params.keys() & {"oauth_signature", "consumer_secret"} for call in shop.calls)
        shop.check()


def test_too_many_requests(shop: WooShop, woo: WooCommerce) -> None:
    shop.misbehave("GET products", throttle("7"))
    with pytest.raises(ChannelThrottled) as caught:
        woo.listings()
    assert (caught.value.retry_after, caught.value.details["reason"]) == (7.0, "Slow down.")
    assert woo.listings().listings == ()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_shop_is_unavailable(shop: WooShop, woo: WooCommerce, status: int) -> None:
    shop.misbehave("GET products", fail(status, headers={"Retry-After": "30"}))
    with pytest.raises(ChannelUnavailable) as caught:
        woo.listings()
    assert caught.value.retry_after == 30.0
    assert caught.value.details["reason"] == f"HTTP {status}: There has been a critical error."
    assert len(shop.calls) == 1, "retrying is the caller's job"


def test_a_slow_shop_is_given_up(shop: WooShop, hasty_client: httpx.Client) -> None:
    shop.misbehave("GET products", slow(HASTE_S * 3))
    with pytest.raises(ChannelUnavailable) as caught:
        adapter(shop, client=hasty_client).listings()
    assert not caught.value.answered
    assert caught.value.details["reason"] == "no answer in time (ReadTimeout)"


def test_a_hung_up_call_is_unavailable(shop: WooShop, woo: WooCommerce) -> None:
    shop.misbehave("GET products", hang_up)
    with pytest.raises(ChannelUnavailable) as caught:
        woo.listings()
    assert not caught.value.answered


def test_nobody_there_is_unavailable(client: httpx.Client) -> None:
    with WooShop() as shop:
        gone = adapter(shop, client=client)
    with pytest.raises(ChannelUnavailable):
        gone.listings()


def test_a_maintenance_page_is_no_answer(shop: WooShop, woo: WooCommerce) -> None:
    shop.misbehave("GET products", page_of_html)
    with pytest.raises(ChannelUnavailable) as caught:
        woo.listings()
    assert caught.value.details["reason"] == "the shop answered something else than JSON"


@pytest.mark.parametrize("body", [{"products": []}, [1], "null"])
def test_an_answer_of_another_shape_is_no_answer(shop: WooShop, woo: WooCommerce, body: object) -> None:
    shop.misbehave("GET products", fail(200, body=body))
    with pytest.raises(ChannelUnavailable):
        woo.listings()


def test_a_redirect_is_not_followed_with_our_keys(shop: WooShop, woo: WooCommerce) -> None:
    shop.misbehave("GET products", fail(301, headers={"Location": "https://elsewhere.example/wp-json/wc/v3/products?oauth_nonce=1"}))
    with pytest.raises(ChannelUnavailable) as caught:
        woo.listings()
    assert caught.value.details["reason"] == "HTTP 301: the API has moved to https://elsewhere.example/wp-json/wc/v3/products"
    assert len(shop.calls) == 1


def test_connections_are_kept_open(shop: WooShop, woo: WooCommerce, client: httpx.Client) -> None:
    for _time in range(5):
        woo.listings()
    assert len({call.client for call in shop.calls}) == 1


def test_plain_text_of_html() -> None:
    assert plain("<p>Fish &amp; <b>chips</b></p>\n") == "Fish & chips"


def test_keys_are_tried_out_and_nothing_is_changed(shop: WooShop, woo: WooCommerce, client: httpx.Client) -> None:
    shop.books.add_product(sku="A", quantity=5)
    woo.try_out()
    assert [str(call) for call in shop.calls] == ["GET orders", "POST products/batch"]
    assert shop.books.stock() == {"A": 5}
    with pytest.raises(CredentialsRefused) as caught:
        adapter(shop, client=client, secret="cs_wrong").try_out()
    assert not isinstance(caught.value, RightsMissing)


@pytest.mark.parametrize(
    ("call", "status", "right"), [("POST products/batch", 401, "changing products"), ("GET orders", 403, "reading orders")]
)
def test_what_a_key_may_not_do_is_named(shop: WooShop, woo: WooCommerce, call: str, status: int, right: str) -> None:
    refusal = {"code": "woocommerce_rest_authentication_error", "message": "The API key does not have permissions."}
    shop.misbehave(call, fail(status, body=refusal))
    with pytest.raises(RightsMissing) as caught:
        woo.try_out()
    assert caught.value.details["reason"] == f"{right} (The API key does not have permissions.)"
