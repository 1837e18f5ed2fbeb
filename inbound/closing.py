"""Closing an ASN: all that was counted in is put away, or has left the dock by a count and is written down as missing."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from inbound import asns
from inbound.models import Asn, AsnLine, Discrepancy
from wms.core.errors import WmsError
from wms.core.models import User
from wms.core.transitions import advance

# For each sku, loose or under one licence plate: how much more is counted in than either is put away or stands on the docks.
_GONE = """
SELECT w.sku_id, w.plate_id, w.waiting - coalesce((
    SELECT sum(b.on_hand) FROM inventory_stockbalance b JOIN inventory_bin p ON p.id = b.bin_id
    WHERE b.warehouse_id = %(warehouse)s AND b.sku_id = w.sku_id AND b.on_hand > 0 AND p.kind = 'dock'
      AND b.carton_id IS NOT DISTINCT FROM w.plate_id), 0)::bigint
FROM (
    SELECT l.sku_id, c.carton_id AS plate_id, sum(l.received - l.put_away)::bigint AS waiting
    FROM inbound_asnline l JOIN inbound_asn a ON a.id = l.asn_id LEFT JOIN inbound_asncarton c ON c.id = l.carton_id
    WHERE l.warehouse_id = %(warehouse)s AND l.sku_id = ANY(%(skus)s) AND l.received > l.put_away AND (a.status <> 'closed' OR a.id = %(asn)s)
    GROUP BY l.sku_id, c.carton_id
) w
"""


class StillOnTheDock(WmsError):
    code, status, message = "still_on_the_dock", 409, _("{quantity} units of {asn} still wait on the dock.")


@transaction.atomic(durable=True)
def close(*, asn_id: int, by: User) -> Asn:
    """Nothing more happens to it. Goods that were counted in and are no longer on the dock become a discrepancy each line.

    Raises NotPossibleNow, and StillOnTheDock while counted goods wait to be put away.
    """
    asn = asns.locked(asn_id, by)
    advance([asn], Asn.Status.CLOSED)
    lines = AsnLine.objects.select_for_update(of=("self",), no_key=True).filter(asn=asn, received__gt=F("put_away"))
    waiting = list(lines.select_related("carton").order_by("pk"))
    missing = _missing(asn, waiting)
    still = sum(line.received - line.put_away for line in waiting) - sum(missing.values())
    if still:
        raise StillOnTheDock(quantity=still, asn=asn.reference)
    Discrepancy.objects.bulk_create(
        Discrepancy(
            asn=asn, merchant_id=asn.merchant_id, line=line, sku_id=line.sku_id, kind=Discrepancy.Kind.MISSING, quantity=missing[line.pk]
        )
        for line in waiting
    )  # fmt: skip
    return asn


def _missing(asn: Asn, waiting: Sequence[AsnLine]) -> dict[int, int]:
    """Base units by line that are on no dock. What does stand there is other ASNs' only as far as they wait for it."""
    if not waiting:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_GONE, {"asn": asn.pk, "warehouse": asn.warehouse_id, "skus": [line.sku_id for line in waiting]})
        gone = {(sku_id, plate_id): max(quantity, 0) for sku_id, plate_id, quantity in cursor.fetchall()}
    found = {}
    for line in waiting:
        key = (line.sku_id, line.carton.carton_id if line.carton is not None else None)
        found[line.pk] = min(gone[key], line.received - line.put_away)
        gone[key] -= found[line.pk]
    return found
