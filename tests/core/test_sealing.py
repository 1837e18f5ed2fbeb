"""What is sealed says nothing, opens only with its key and only whole, and stays readable over changes of key and format."""

import pytest
from cryptography.fernet import Fernet

from wms.core import sealing

BUYER = {"name": "王小明", "line1": "1 Analytical Way", "city": "London"}


def test_what_was_sealed_opens_again():
    assert sealing.open_sealed(sealing.seal(BUYER)) == BUYER


def test_half_of_a_surrogate_pair_opens_as_it_came():
    assert sealing.open_sealed(sealing.seal({"note": "\ud800 王\x00"})) == {"note": "\ud800 王\x00"}


def test_it_says_nothing_and_never_the_same():
    first, second = sealing.seal(BUYER), sealing.seal(BUYER)
    assert first != second
    assert not any(word.encode() in first for word in BUYER.values())


@pytest.mark.parametrize("place", [1, 12, 13, -1])
def test_what_was_tampered_with_does_not_open(place):
    sealed = bytearray(sealing.seal(BUYER))
    sealed[place] ^= 1
    with pytest.raises(sealing.Unreadable):
        sealing.open_sealed(bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01short", b"\x01" + bytes(12), b"nonsense"])
def test_rubbish_does_not_open(sealed):
    with pytest.raises(sealing.Unreadable):
        sealing.open_sealed(sealed)


def test_the_first_key_seals_and_all_open(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    earlier = sealing.seal(BUYER)
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert sealing.open_sealed(earlier) == BUYER
    now = sealing.seal(BUYER)
    settings.ENCRYPTION_KEYS = ["new"]
    assert sealing.open_sealed(now) == BUYER
    with pytest.raises(sealing.Unreadable, match="WMS_ENCRYPTION_KEYS"):
        sealing.open_sealed(earlier)


def test_fernet_tokens_of_earlier_versions_open(settings):
    settings.ENCRYPTION_KEYS = ["new", "a key of a test"]
    # The key as it was derived then: urlsafe base64 of SHA-256("wms personal data" + secret).
    key = b"NPYrIrFHaW8yGjjd77Um7Uu0ZtyUvOt00y2O8iEP01w="
    assert sealing.open_sealed(Fernet(key).encrypt(b'{"name": "Ada"}')) == {"name": "Ada"}
