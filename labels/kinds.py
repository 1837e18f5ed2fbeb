"""Every kind of label: its template, what it may be printed on, what a person names one by, and one to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from labels import samples
from labels.media import MEDIA, Media, Template, UnknownMedia
from wms.core.errors import WmsError

if TYPE_CHECKING:
    from django.utils.functional import Promise


class UnknownKind(WmsError):
    code, message = "unknown_label_kind", _("There is no label kind “{kind}”, but: {known}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelKind:
    """`code` says what a person names one by; the first of `media` is the usual one; `sample` needs no database."""

    name: str
    title: Promise
    code: Promise | str
    media: tuple[str, ...]
    sample: Template

    @property
    def label(self) -> type[Template]:
        return type(self.sample)

    @property
    def default_media(self) -> Media:
        return MEDIA[self.media[0]]

    def on(self, name: str = "") -> Media:
        """The media of that name, blank = the usual one. Raises UnknownMedia for one that this kind is not printed on."""
        if name and name not in self.media:
            raise UnknownMedia(kind=str(self.title), media=name[:40], known=", ".join(self.media))
        return MEDIA[name or self.media[0]]

    def sample_on(self, name: str = "") -> Template:
        """The sample in the size of that media; on a sheet of labels it is the first of them."""
        return replace(self.sample, size=self.on(name).size)

    def pages(self, labels: Iterable[Template], media: str = "", start: int = 1) -> Iterator[Template]:
        """What goes to the printer. Raises UnknownMedia, and BadStart for a place that the sheet does not have."""
        return self.on(media).lay_out(labels, start)


_PAPER: Final = ("A4", "Letter")
_TRANSPORT: Final = ("4x6in", "100x150")
_BIG_CELLS: Final = ("L7173", "L7165", "5163", "5164")
_SMALL_CELLS: Final = ("L7160", "L7159", "5160")
_CARTON: Final = ("100x150", "4x6in", "100x100", "L7169", "5168")

_ALL: Final = (
    LabelKind(
        name="bin", title=_("Bin"), code=_("bin code"), sample=samples.BIN, media=("100x60", "70x50", "100x100", "L7163", "L7160", *_BIG_CELLS)
    ),
    LabelKind(
        name="sku", title=_("Sku"), code=_("sku or barcode"), sample=samples.SKU,
        media=("57x32", "60x40", "70x50", "100x60", *_SMALL_CELLS, "L7651", "L7163", "5163"),
    ),
    LabelKind(name="fnsku", title=_("FNSKU"), code=_("FNSKU"), sample=samples.FNSKU, media=("57x32", "60x40", "70x50", *_SMALL_CELLS)),
    LabelKind(
        name="inner", title=_("Inner carton"), code=_("carton barcode of a sku"), sample=samples.INNER,
        media=("100x60", "70x50", "60x40", "100x100", *_BIG_CELLS),
    ),
    LabelKind(name="carton", title=_("Carton"), code=_("carton code"), sample=samples.CARTON, media=_CARTON),
    LabelKind(name="asn", title=_("Carton set of an ASN"), code=_("ASN reference"), sample=samples.CARTON, media=_CARTON),
    LabelKind(name="pallet", title=_("Pallet"), code="SSCC", sample=samples.PALLET, media=_TRANSPORT),
    LabelKind(name="tote", title=_("Tote"), code=_("tote code"), sample=samples.TOTE, media=("100x60", "70x50", "100x100", *_BIG_CELLS)),
    LabelKind(name="badge", title=_("Badge"), code=_("badge token"), sample=samples.BADGE, media=("100x60", "70x50", *_BIG_CELLS)),
    LabelKind(name="parcel", title=_("Parcel"), code=_("tracking number"), sample=samples.PARCEL, media=_TRANSPORT),
    LabelKind(
        name="slip", title=_("Packing slip"), code=_("order reference"), sample=samples.SLIP, media=("A4", "Letter", "4x6in", "100x150")
    ),
    LabelKind(name="pick_list", title=_("Pick list"), code=_("wave number"), sample=samples.PICK_LIST, media=_PAPER),
    LabelKind(name="fba_box", title=_("FBA box"), code=_("FBA shipment and box"), sample=samples.FBA_BOX, media=_TRANSPORT),
    LabelKind(name="return", title=_("Return label"), code=_("order reference"), sample=samples.RETURN, media=_TRANSPORT),
    LabelKind(name="manifest", title=_("Manifest"), code=_("warehouse code"), sample=samples.MANIFEST, media=_PAPER),
)  # fmt: skip
KINDS: Final[Mapping[str, LabelKind]] = {kind.name: kind for kind in _ALL}


def kind_of(name: str) -> LabelKind:
    """Raises UnknownKind."""
    if name not in KINDS:
        raise UnknownKind(kind=name[:40], known=", ".join(KINDS))
    return KINDS[name]
