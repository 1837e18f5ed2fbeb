"""Putting goods of broken-off orders back into a bin: only then are they free again."""

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inventory import ledger
from inventory.availability import Change
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, PutBackTask, Reason
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User
from wms.core.transitions import NotPossibleNow


class NotAStorageBin(WmsError):
    code, status, message = "not_a_storage_bin", 422, _("{bin} is not a storage bin.")


@command
def put_back(*, task_id: int, bin_code: str, by: User, request_id: object = None) -> dict[str, int]:
    """Put a put-back task's goods into a storage bin and end what was committed for them."""
    task = PutBackTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()
    if task is None:
        raise NotFound(what=str(PutBackTask._meta.verbose_name), key=task_id)
    if task.status != PutBackTask.Status.OPEN:
        raise NotPossibleNow(what=str(PutBackTask._meta.verbose_name), key=str(task_id), status=task.status, to="done")
    to = Bin.objects.filter(warehouse=task.warehouse_id, code=bin_code).first()
    if to is None:
        raise NotFound(what=str(Bin._meta.verbose_name), key=bin_code)
    if to.kind != BinKind.STORAGE:
        raise NotAStorageBin(bin=bin_code)
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
    PutBackTask.objects.filter(pk=task_id).update(status=PutBackTask.Status.DONE, done_at=Now())
    return {"task_id": task_id, "quantity": task.quantity}
