"""What went wrong is said without the data in it."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import translation

from marketplaces.port import ChannelRefused, ChannelUnavailable, reasons
from tests import make
from wms.core import faults, outbox
from wms.core.errors import NotFound
from wms.core.models import Merchant, OutboxEvent


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("ValueError: boom\n", "ValueError: boom"),
        ("Traceback (most recent call last):\n  File x\n    y()\nValueError: boom\nand more\n", "ValueError: boom"),
        (
            "Traceback (most recent call last):\n  a\nKeyError: 1\n\nDuring this:\n\nTraceback (most recent call last):\n  b\nOSError: 2",
            "OSError: 2",
        ),
        ("The worker ended before it was done.", "The worker ended before it was done."),
        ("", ""),
        (
            'django.db.utils.DataError: value "12345" is out of range for type integer',
            "django.db.utils.DataError: value … is out of range for type integer",
        ),
        (
            'django.db.utils.DataError: invalid input syntax for type integer: "Ada\nLovelace"',
            "django.db.utils.DataError: invalid input syntax for type integer: …",
        ),
        (
            'django.db.utils.ProgrammingError: relation "x" does not exist\nLINE 1: SELECT',
            'django.db.utils.ProgrammingError: relation "x" does not exist',
        ),
    ],
)
def test_the_first_line_of_the_last_exception(text: str, short: str) -> None:
    assert faults.in_short(text) == short
    assert faults.in_short(short) == short


@pytest.mark.django_db
def test_what_the_database_refuses_is_named_and_not_shown() -> None:
    make.merchant("GRACE")
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Merchant.objects.create(code="GRACE", name="Grace")
    assert "GRACE" in str(caught.value)
    said = faults.of(caught.value)
    assert said.startswith("django.db.utils.IntegrityError: duplicate key value violates unique constraint")
    assert "GRACE" not in said
    with pytest.raises(DataError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", ["Grace Hopper"])
    assert faults.in_words(faults.of(refused.value)) == "The database says: invalid input syntax for type integer: …"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            faults.of(ChannelUnavailable(reason=reasons.TOO_LATE)),
            "Der Shop ist nicht erreichbar: keine Antwort in der Zeit, die dafür bleibt",
        ),
        (faults.of(ChannelRefused(reason="Falsch.")), "Der Shop lehnte ab: Falsch."),
        (faults.of(NotFound(what="Kanal", key=7)), "Kanal 7 wurde nicht gefunden."),
        (faults.LOST, "Der Worker endete, bevor er fertig war, immer wieder."),
        ("marketplaces.port.errors.ChannelRefused: something else", "something else"),
        ("marketplaces.port.errors.NoSuchClass: x", "marketplaces.port.errors.NoSuchClass: x"),
        ("wms.core.models.User: x", "wms.core.models.User: x"),
        ("KeyError: 'x'", "KeyError: 'x'"),
    ],
)
def test_our_own_are_read_in_the_readers_language_and_without_a_programmers_name(said: str, words: str) -> None:
    """A worker writes them down, in English."""
    with translation.override("de"):
        assert faults.in_words(said) == words


def fails(_payloads: object) -> None:
    Merchant.objects.create(code="GRACE", name="Grace")


@pytest.mark.django_db(transaction=True)
def test_what_a_handler_fails_with_is_kept_without_it(settings) -> None:
    make.merchant("GRACE")
    settings.OUTBOX_ROUTES = {"thing.done": [f"{__name__}.fails"]}
    with transaction.atomic():
        outbox.emit("thing.done")
    outbox.deliver(f"{__name__}.fails")
    said = OutboxEvent.objects.get().last_error
    assert said.startswith("django.db.utils.IntegrityError: duplicate key value")
    assert "GRACE" not in said
