"""A merchant enters a sku once; entering it again is fine as long as it says the same."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from inventory import skus
from inventory.models import Barcode, Sku
from inventory.skus import VALUES, NewSku
from wms.core.errors import InvalidInput, WmsError
from wms.core.models import Merchant


class SkuTaken(WmsError):
    code, status, message = "sku_taken", 409, _("The sku {sku} exists with other content.")


def enter(*, merchant: Merchant, sku: NewSku) -> tuple[Sku, bool]:
    """The sku, and whether it is new. Raises SkuTaken where the merchant has it with other content, InvalidInput with the fields' paths."""
    for _attempt in range(2):
        known = Sku.objects.filter(merchant=merchant, code=sku.code).first()
        if known is not None:
            if not _says_the_same(known, sku):
                raise SkuTaken(sku=sku.code)
            return known, False
        try:
            return skus.save(merchant=merchant, sku=sku), True
        except InvalidInput as error:
            raise InvalidInput([{**problem, "path": problem["path"][1:]} for problem in error.details["problems"]]) from None
        except IntegrityError:
            continue  # somebody was faster with the same code
    raise SkuTaken(sku=sku.code)


def _says_the_same(known: Sku, said: NewSku) -> bool:
    """What is said is what is stored, and every barcode that is named is known with its pack quantity."""
    if any(getattr(said, name) is not None and getattr(said, name) != getattr(known, name) for name in VALUES):
        return False
    return set(said.barcodes) <= set(Barcode.objects.filter(sku=known).values_list("code", "pack_quantity"))
