"""The labels that a code means which people know: of a bin, a sku, an order, ... One table for the desk and for the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from inbound import papers as inbound
from inbound.models import Asn, AsnCarton, AsnLine
from inventory.models import Barcode, Bin, BinKind, Sku, Warehouse
from labels import gs1
from labels.kinds import kind_of
from labels.media import Template
from labels.templates.badge import BadgeLabel
from labels.templates.pallet import PalletLabel
from outbound import papers as outbound
from outbound.models import Order, Parcel, Wave
from wms.core import signing_in
from wms.core.errors import NotFound, WmsError
from wms.core.models import Merchant, OwnedQuerySet, User

M = TypeVar("M", bound=models.Model)
# Carriers and buyers read these: they are in the house's language, whoever prints them.
_IN_THE_HOUSE_LANGUAGE: Final = frozenset({"parcel", "slip", "return", "manifest", "fba_box"})


class AmbiguousCode(WmsError):
    code, status, message = "ambiguous_code", 409, _("Several are called {code}: {known}. Say whose it is, as in {example}.")


@dataclass(slots=True)
class Asked:
    """`by` sees what that person may see; None, on the command line, sees all. `owner` is a merchant's or a warehouse's code.

    `merchant_id` is whose the row is that was found; None where it is no merchant's.
    """

    code: str
    owner: str
    by: User | None
    merchant_id: int | None = None

    def visible(self, model: type[M]) -> models.QuerySet[M]:
        rows = model._default_manager.all()
        return rows.visible_to(self.by) if self.by is not None and isinstance(rows, OwnedQuerySet) else rows

    def one(self, rows: models.QuerySet[M], owner: str) -> M:
        """The only row; `owner` is the field whose code tells several apart. Raises NotFound, AmbiguousCode."""
        if self.owner:
            rows = rows.filter(**{f"{owner}__code": self.owner})
        found = list(rows.order_by("pk")[:2])
        if not found:
            raise NotFound(what=str(rows.model._meta.verbose_name), key=self.code)
        if len(found) > 1:
            known = sorted(set(rows.values_list(f"{owner}__code", flat=True)[:20]))
            raise AmbiguousCode(code=self.code, known=", ".join(known), example=f"{known[0]}/{self.code}")
        self.merchant_id = getattr(found[0], "merchant_id", None)
        return found[0]


class Meant(NamedTuple):
    """At least one label, and whose they are: None where they are no merchant's."""

    labels: list[Template]
    merchant_id: int | None


def labels_of(kind: str, code: str, by: User | None = None) -> Meant:
    """The labels of a kind that the code means. `OWNER/CODE` says whose it is: a warehouse's bin, a merchant's sku or order.

    Raises UnknownKind, NotFound, AmbiguousCode, and what the papers themselves raise, such as AddressErased.
    """
    kind_of(kind)
    finder, owners = _FINDERS[kind]
    code, owner = code.strip(), ""
    first, slash, rest = code.partition("/")
    if slash and rest and owners is not None and owners._default_manager.filter(code=first).exists():
        owner, code = first, rest
    if not code or "\0" in code or len(code) > 200:
        raise NotFound(what=str(kind_of(kind).title), key=code[:50])
    asked = Asked(code, owner, by)
    with override(settings.LANGUAGE_CODE) if kind in _IN_THE_HOUSE_LANGUAGE else nullcontext():
        return Meant(finder(asked), asked.merchant_id)


def _bin(asked: Asked) -> list[Template]:
    rows = Bin.objects.filter(code__in={asked.code, asked.code.upper()}).select_related("warehouse", "zone")
    return [inbound.bin_label(asked.one(rows, "warehouse"))]


def _tote(asked: Asked) -> list[Template]:
    rows = Bin.objects.filter(code__in={asked.code, asked.code.upper()}, kind=BinKind.TOTE).select_related("warehouse", "zone")
    return [inbound.bin_label(asked.one(rows, "warehouse"))]


def _find_sku(asked: Asked) -> Sku:
    """By its code, or by a barcode of it."""
    rows = asked.visible(Sku).select_related("merchant")
    named = rows.filter(code=asked.code)
    if not named.exists():
        named = rows.filter(pk__in=list(Barcode.objects.filter(code=asked.code).values_list("sku", flat=True)[:50]))
    return asked.one(named, "merchant")


def _sku(asked: Asked) -> list[Template]:
    return [inbound.sku_label(_find_sku(asked))]


def _fnsku(asked: Asked) -> list[Template]:
    """By the FNSKU as it was announced, or as it is a barcode of a sku."""
    line = asked.visible(AsnLine).filter(fnsku=asked.code).select_related("sku").order_by("-pk").first()
    if line is None:
        return [inbound.fnsku_label(_find_sku(asked), asked.code)]
    asked.merchant_id = line.sku.merchant_id
    return [inbound.fnsku_label(line.sku, asked.code)]


def _inner(asked: Asked) -> list[Template]:
    rows = asked.visible(Barcode).filter(code=asked.code, pack_quantity__gt=1).select_related("sku", "merchant")
    return [inbound.inner_label(asked.one(rows, "merchant"))]


def _carton(asked: Asked) -> list[Template]:
    rows = asked.visible(AsnCarton).filter(code=asked.code).select_related("asn__merchant", "asn__warehouse")
    carton = asked.one(rows, "merchant")
    return [inbound.carton_label(carton.asn, carton, carton.asn.cartons.count())]


def _asn(asked: Asked) -> list[Template]:
    asn = asked.one(asked.visible(Asn).filter(reference=asked.code).select_related("merchant", "warehouse"), "merchant")
    labels = list(inbound.carton_set(asn))
    if not labels:
        raise NotFound(what=str(AsnCarton._meta.verbose_name), key=asked.code)
    return labels


def _pallet(asked: Asked) -> list[Template]:
    """An SSCC alone, or WAREHOUSE/SSCC for one that goes there."""
    number = gs1.checked(asked.code.removeprefix("(00)"), 18)
    house = Warehouse.objects.filter(code=asked.owner).first()
    return [PalletLabel(sscc=number, ship_from=(), ship_to=inbound.warehouse_lines(house) if house is not None else ())]


def _badge(asked: Asked) -> list[Template]:
    """By its token, which only the person who issued the badge has seen."""
    person = User.objects.filter(badge_hash=signing_in.badge_hash(asked.code), merchant=None, is_active=True).first()
    if person is None:
        raise NotFound(what=str(_("badge")), key=f"{asked.code[:3]}…")
    role = ", ".join(person.groups.order_by("name").values_list("name", flat=True))
    return [BadgeLabel(name=person.get_full_name() or person.username, token=asked.code, role=role)]


def _parcel(asked: Asked) -> list[Template]:
    parcels = asked.visible(Parcel).filter(tracking_number=asked.code).exclude(status=Parcel.Status.VOID)
    return [outbound.parcel_label(asked.one(parcels.select_related("order__ship_to", "order__merchant", "warehouse"), "merchant"))]


def _order(asked: Asked) -> Order:
    rows = asked.visible(Order).filter(reference=asked.code).select_related("ship_to", "merchant", "warehouse")
    return asked.one(rows, "merchant")


def _slip(asked: Asked) -> list[Template]:
    return [outbound.slip_of(_order(asked))]


def _return(asked: Asked) -> list[Template]:
    return [outbound.return_label_of(_order(asked))]


def _fba_box(asked: Asked) -> list[Template]:
    labels: list[Template] = [*outbound.fba_boxes_of(_order(asked))]
    if not labels:
        raise NotFound(what=str(Parcel._meta.verbose_name), key=asked.code)
    return labels


def _pick_list(asked: Asked) -> list[Template]:
    digits = asked.code.upper().removeprefix("W")
    key = int(digits) if gs1.is_digits(digits) and len(digits) < 19 else 0
    wave = Wave.objects.filter(pk=key).select_related("warehouse").first()
    if wave is None:
        raise NotFound(what=str(Wave._meta.verbose_name), key=asked.code)
    return [outbound.pick_list_of(wave)]


def _manifest(asked: Asked) -> list[Template]:
    house = Warehouse.objects.filter(code=asked.code).first()
    if house is None:
        raise NotFound(what=str(Warehouse._meta.verbose_name), key=asked.code)
    return [outbound.manifest_of(house)]


_FINDERS: Final[Mapping[str, tuple[Callable[[Asked], list[Template]], Any]]] = {
    "bin": (_bin, Warehouse),
    "sku": (_sku, Merchant),
    "fnsku": (_fnsku, Merchant),
    "inner": (_inner, Merchant),
    "carton": (_carton, Merchant),
    "asn": (_asn, Merchant),
    "pallet": (_pallet, Warehouse),
    "tote": (_tote, Warehouse),
    "badge": (_badge, None),
    "parcel": (_parcel, Merchant),
    "slip": (_slip, Merchant),
    "return": (_return, Merchant),
    "fba_box": (_fba_box, Merchant),
    "pick_list": (_pick_list, None),
    "manifest": (_manifest, None),
}
