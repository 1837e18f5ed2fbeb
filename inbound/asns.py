"""ASNs: a merchant announces what is on its way; the warehouse says what becomes of the announcement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from stdnum import iso6346
from stdnum.exceptions import ValidationError

from inbound.models import Asn, AsnCarton, AsnLine
from inventory import warehouses
from inventory.models import Sku
from labels import gs1
from wms.core.errors import InvalidInput, NotFound, ReferenceTaken
from wms.core.models import Merchant, User
from wms.core.transitions import advance

Status = Asn.Status
REFERENCE_LONGEST = 50


@dataclass(frozen=True, slots=True)
class NewAsnLine:
    """`sku` is the merchant's code; `quantity` base units."""

    sku: str
    quantity: int
    fnsku: str = ""
    lot: str = ""
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewCarton:
    """One box. Without a `code` it gets the ASN's reference and its number."""

    lines: Sequence[NewAsnLine]
    code: str = ""
    box_number: str = ""
    sscc: str = ""
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class NewAsn:
    """What a merchant sends: cartons, numbered from 1 in their order, and lines that are in no carton."""

    reference: str
    warehouse: str
    cartons: Sequence[NewCarton] = ()
    lines: Sequence[NewAsnLine] = ()
    kind: str = Asn.Kind.SELF_SENT.value
    transport: str = ""
    container_number: str = ""
    container_kind: str = ""
    seal_number: str = ""
    vessel: str = ""
    tracking_number: str = ""
    sails_on: date | None = None
    expected_on: date | None = None

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Announced:
    """The answer: the ASN's row, and whether it came before with the same content."""

    id: int
    reference: str
    status: str
    repeated: bool = False


def announce(*, merchant: Merchant, asn: NewAsn) -> Announced:
    """Store an announcement with its cartons and lines.

    A repeated reference with the same content answers the first result. Raises ReferenceTaken where the content differs, InvalidInput for
    an unknown warehouse or sku, a bad container number or SSCC, a carton code used before.
    """
    repeated = _existing(merchant, asn)
    if repeated is not None:
        return repeated
    try:
        with transaction.atomic(durable=True):
            stored = _store(merchant, asn)
    except (IntegrityError, InvalidInput) as error:
        # Somebody was faster, with the reference or with a carton's code.
        repeated = _existing(merchant, asn)
        if repeated is not None:
            return repeated
        if isinstance(error, InvalidInput):
            raise
        _refuse_taken_codes(merchant, _codes(asn))
        raise
    return Announced(stored.pk, stored.reference, stored.status)


def _existing(merchant: Merchant, asn: NewAsn) -> Announced | None:
    found = Asn.objects.filter(merchant=merchant, reference=asn.reference).values_list("pk", "status", "content_hash").first()
    if found is None:
        return None
    if found[2] != asn.content_hash:
        raise ReferenceTaken(reference=asn.reference)
    return Announced(found[0], asn.reference, found[1], repeated=True)


def _codes(asn: NewAsn) -> list[str]:
    """Each carton's code: the merchant's, or the reference and its number. A long reference is cut and told apart by its hash."""
    stem = asn.reference
    if len(stem) > 34:
        stem = f"{stem[:25]}-{hashlib.sha256(stem.encode()).hexdigest()[:8]}"
    return [carton.code or f"{stem}-{number:03}" for number, carton in enumerate(asn.cartons, 1)]


def _store(merchant: Merchant, asn: NewAsn) -> Asn:
    codes = _codes(asn)
    warehouse, skus = _resolve(merchant, asn, codes)
    header = Asn.objects.create(
        merchant=merchant,
        warehouse_id=warehouse,
        content_hash=asn.content_hash,
        **{
            name: getattr(asn, name)
            for name in (
                "reference", "kind", "transport", "container_number", "container_kind", "seal_number", "vessel", "tracking_number",
                "sails_on", "expected_on",
            )
        },
    )  # fmt: skip
    cartons = AsnCarton.objects.bulk_create(
        AsnCarton(
            asn=header,
            merchant=merchant,
            number=number,
            code=code,
            **{name: getattr(carton, name) for name in ("box_number", "sscc", "length_mm", "width_mm", "height_mm", "weight_g")},
        )
        for number, (code, carton) in enumerate(zip(codes, asn.cartons, strict=True), 1)
    )
    placed: list[tuple[AsnCarton | None, NewAsnLine]] = [
        (row, line) for row, carton in zip(cartons, asn.cartons, strict=True) for line in carton.lines
    ]
    placed += [(None, line) for line in asn.lines]
    AsnLine.objects.bulk_create(
        AsnLine(
            asn=header,
            merchant=merchant,
            warehouse_id=warehouse,
            carton=row,
            number=number,
            sku_id=skus[line.sku],
            quantity=line.quantity,
            fnsku=line.fnsku,
            lot=line.lot,
            expires_on=line.expires_on,
        )
        for number, (row, line) in enumerate(placed, 1)
    )
    return header


def head_of(merchant: Merchant, asn: NewAsn) -> tuple[int | None, list[dict[str, Any]]]:
    """The warehouse's id, and what is wrong with an announcement before its cartons and lines."""
    warehouse = warehouses.open_to(merchant.pk).filter(code=asn.warehouse).values_list("pk", flat=True).first()
    wrong: list[tuple[str, object]] = []
    if not asn.reference.strip():
        wrong.append(("reference", _("The reference is empty.")))
    if len(asn.reference) > REFERENCE_LONGEST:
        wrong.append(("reference", _("The reference is longer than 50 characters.")))
    if warehouse is None:
        wrong.append(("warehouse", _("Unknown warehouse.")))
    if asn.container_number and not is_container_number(asn.container_number):
        wrong.append(("container_number", _("This is not a container number: its check digit does not fit (ISO 6346).")))
    return warehouse, [{"path": [field], "message": str(message)} for field, message in wrong]


def _resolve(merchant: Merchant, asn: NewAsn, codes: Sequence[str]) -> tuple[int, dict[str, int]]:
    """The warehouse's id and the skus' by code. Every fault is named with its place."""
    wanted = {line.sku for carton in asn.cartons for line in carton.lines} | {line.sku for line in asn.lines}
    skus: dict[str, int] = dict(Sku.objects.filter(merchant=merchant, active=True, code__in=wanted).values_list("code", "pk"))
    warehouse, problems = head_of(merchant, asn)

    def refuse(*path: str | int, message: object) -> None:
        problems.append({"path": list(path), "message": str(message)})

    if not wanted:
        refuse("lines", message=_("Nothing is announced."))
    seen: set[str] = set()
    for index, (carton, code) in enumerate(zip(asn.cartons, codes, strict=True)):
        if code in seen:
            refuse("cartons", index, "code", message=_("Another carton has the same code."))
        seen.add(code)
        if carton.sscc and not gs1.is_sscc(carton.sscc):
            refuse("cartons", index, "sscc", message=_("This is not an SSCC: its check digit does not fit."))
        if not carton.lines:
            refuse("cartons", index, "lines", message=_("The carton is empty."))
        _check_lines(carton.lines, skus, ("cartons", index), refuse)
    _check_lines(asn.lines, skus, (), refuse)
    if problems:
        raise InvalidInput(problems)
    _refuse_taken_codes(merchant, codes)
    assert warehouse is not None
    return warehouse, skus


def _check_lines(lines: Sequence[NewAsnLine], skus: dict[str, int], path: tuple[str | int, ...], refuse: Any) -> None:
    for number, line in enumerate(lines):
        if line.sku not in skus:
            refuse(*path, "lines", number, "sku", message=_("Unknown sku."))
        if line.quantity < 1:
            refuse(*path, "lines", number, "quantity", message=_("The quantity is less than 1."))


def _refuse_taken_codes(merchant: Merchant, codes: Sequence[str]) -> None:
    if not codes:
        return
    taken = set(AsnCarton.objects.filter(merchant=merchant, code__in=codes).values_list("code", flat=True))
    problems = [
        {"path": ["cartons", index, "code"], "message": str(_("The carton {code} was announced before.")).format(code=code)}
        for index, code in enumerate(codes)
        if code in taken
    ]
    if problems:
        raise InvalidInput(problems)


def is_container_number(text: str) -> bool:
    """ISO 6346: owner, category, serial and check digit, in capitals without blanks."""
    try:
        return bool(iso6346.validate(text) == text)
    except ValidationError:
        return False


def locked(asn_id: int, by: User) -> Asn:
    """A step: the ASN, locked, if `by` may see it. Raises NotFound."""
    asn = Asn.objects.visible_to(by).select_for_update(no_key=True).filter(pk=asn_id).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    return asn


@transaction.atomic(durable=True)
def submit(*, asn_id: int, by: User) -> Asn:
    """A draft, or a rejected one that was corrected, goes to the warehouse."""
    return _become(asn_id, by, Status.SUBMITTED)


@transaction.atomic(durable=True)
def approve(*, asn_id: int, by: User) -> Asn:
    return _become(asn_id, by, Status.APPROVED)


@transaction.atomic(durable=True)
def reject(*, asn_id: int, by: User) -> Asn:
    return _become(asn_id, by, Status.REJECTED)


@transaction.atomic(durable=True)
def depart(*, asn_id: int, by: User) -> Asn:
    """The goods have left: the ASN is in transit."""
    return _become(asn_id, by, Status.IN_TRANSIT)


@transaction.atomic(durable=True)
def void(*, asn_id: int, by: User) -> Asn:
    """Call off what has not arrived."""
    return _become(asn_id, by, Status.VOID)


@transaction.atomic(durable=True)
def arrive(*, asn_id: int, by: User, partly: bool = False) -> Asn:
    """The goods, or a first part of them, stand on the yard. Only now can they be received."""
    return _become(asn_id, by, Status.PARTLY_ARRIVED if partly else Status.ARRIVED, arrived_at=Now())


@transaction.atomic(durable=True)
def terminate(*, asn_id: int, by: User) -> Asn:
    """Break off what has arrived. What was counted in stays in stock and is put away as usual."""
    return _become(asn_id, by, Status.TERMINATED)


def _become(asn_id: int, by: User, to: Asn.Status, **stamps: Any) -> Asn:
    asn = locked(asn_id, by)
    advance([asn], to, **stamps)
    return asn
