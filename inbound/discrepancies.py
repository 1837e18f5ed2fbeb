"""What becomes of a discrepancy: whoever owns the goods, or a supervisor for them, accepts or disputes it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from inbound.models import Discrepancy
from wms.core.commands import command
from wms.core.errors import InvalidInput, NotFound
from wms.core.models import User
from wms.core.transitions import advance

LONGEST_NOTE = 2000


@command
def accept(*, discrepancy_id: int, by: User, note: str = "", request_id: object = None) -> dict[str, Any]:
    """It is as the warehouse says, also after a dispute. Without a `note` an earlier one stays. Raises NotFound, NotPossibleNow."""
    return _become(discrepancy_id, by, Discrepancy.Status.ACCEPTED, _read(note))


@command
def dispute(*, discrepancy_id: int, note: str, by: User, request_id: object = None) -> dict[str, Any]:
    """It is not so, and `note` says why. Raises NotFound, NotPossibleNow, InvalidInput without a note."""
    note = _read(note)
    if not note:
        raise _refuse(_("Say why it is not so."))
    return _become(discrepancy_id, by, Discrepancy.Status.DISPUTED, note)


def _read(note: str) -> str:
    note = note.replace("\x00", "").strip()
    if len(note) > LONGEST_NOTE:
        raise _refuse(_("The note is longer than {limit} characters.").format(limit=LONGEST_NOTE))
    return note


def _refuse(message: object) -> InvalidInput:
    return InvalidInput([{"path": ["note"], "message": str(message)}])


def _become(discrepancy_id: int, by: User, to: Discrepancy.Status, note: str) -> dict[str, Any]:
    found = Discrepancy.objects.visible_to(by).filter(pk=discrepancy_id).first()
    if found is None:
        raise NotFound(what=str(Discrepancy._meta.verbose_name), key=discrepancy_id)
    advance([found], to, note=note or found.note)
    return {"discrepancy_id": found.pk, "asn_id": found.asn_id, "status": to.value}
