"""What a merchant wants on the papers of its goods: a logo, and a text of its own (a greeting, terms of return, the importer's address)."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from labels import pictures
from wms.core.commands import command
from wms.core.errors import InvalidInput
from wms.core.models import Letterhead, User

# A logo is stored for every merchant and read for every slip: what a scanner made of a poster is no logo.
LOGO_BYTES_MAX: Final = 300_000
TEXT_MAX: Final = 500


class Shown(NamedTuple):
    """`logo` is a PNG or JPEG file, empty where there is none."""

    logo: bytes
    text: str


def letterhead_of(merchant_id: int) -> Shown:
    row = Letterhead.objects.filter(merchant=merchant_id).values_list("logo", "text").first()
    return Shown(b"", "") if row is None else Shown(bytes(row[0] or b""), row[1])


@command
def keep(*, merchant_id: int, text: str, by: User, logo: bytes | None = None, request_id: object = None) -> None:
    """Set the text and the logo; None leaves the logo as it is, empty bytes take it away.

    Raises InvalidInput for a text or a logo that is too long, NotAPicture and PictureTooLarge for what cannot be printed.
    """
    text = text.replace("\r\n", "\n").strip()
    if len(text) > TEXT_MAX or "\0" in text:
        raise InvalidInput([{"path": ["text"], "message": str(_("The text is longer than {most} characters.")).format(most=TEXT_MAX)}])
    if logo is not None and len(logo) > LOGO_BYTES_MAX:
        words = str(_("The logo is larger than {most} kB.")).format(most=LOGO_BYTES_MAX // 1000)
        raise InvalidInput([{"path": ["logo"], "message": words}])
    if logo:
        pictures.checked(logo)
    changed: dict[str, str | bytes] = {"text": text}
    if logo is not None:
        changed["logo"] = logo
    Letterhead.objects.update_or_create(merchant_id=merchant_id, defaults=changed)
