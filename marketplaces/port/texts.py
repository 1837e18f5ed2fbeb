"""What shops write can hold signs that no text column takes; one such sign must not hold up everything that comes after it."""

from dataclasses import fields
from typing import Any


def storable(text: str) -> str:
    """Without zero bytes and halves of surrogate pairs, which JSON can spell and PostgreSQL cannot store."""
    return text if text.isprintable() else text.replace("\x00", "").encode("utf-8", "ignore").decode()


def make_storable(record: Any) -> None:
    """The texts of a frozen dataclass that has just been made."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, str) and not value.isprintable():
            object.__setattr__(record, field.name, storable(value))
