"""Putting goods of broken-off orders back into a bin: only then are they free again."""

from django.db.models.functions import Now

from inventory import bins, ledger, placing
from inventory.availability import Change
from inventory.ledger import Leg, Place
from inventory.models import BinKind, PutBackTask, Reason
from wms.core.commands import command
from wms.core.errors import NotFound
from wms.core.models import User
from wms.core.transitions import advance, require_move


@command
def put_back(*, task_id: int, bin_code: str, by: User, request_id: object = None) -> dict[str, int]:
    """Put a put-back task's goods into a storage bin and end what was committed for them.

    Raises NotFound, NotPossibleNow, WrongBin, and BinHoldsTwin or BinOfAnotherMerchant as putting away does.
    """
    task = PutBackTask.objects.select_related("sku").filter(pk=task_id).first()
    if task is None:
        raise NotFound(what=str(PutBackTask._meta.verbose_name), key=task_id)
    # Who comes second is told that it is done, whatever lies in the bin by now.
    require_move(PutBackTask, key=task, status=task.status, to=PutBackTask.Status.DONE)
    [to] = bins.find(task.warehouse_id, bin_code)
    bins.require(to, [BinKind.STORAGE])
    placing.require_room(bin=to, skus=[task.sku])
    advance([task], PutBackTask.Status.DONE, done_at=Now())
    ledger.post(
        warehouse_id=task.warehouse_id,
        legs=[
            Leg(Place(task.bin_id, task.sku_id, task.lot_id, carton_id=task.carton_id), -task.quantity, reserved=-task.quantity),
            Leg(Place(to.pk, task.sku_id, task.lot_id, carton_id=task.carton_id), task.quantity),
        ],
        reason=Reason.PUTAWAY,
        document=task.document,
        by=by,
        promises={task.sku_id: Change(committed=-task.quantity)},
    )
    return {"task_id": task_id, "quantity": task.quantity}
