"""The number ranges of SSCCs in the administration."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from labels.models import SsccRange
from wms.core.admin_base import MasterAdmin


@admin.register(SsccRange)
class SsccRangeAdmin(MasterAdmin):
    """A range is added, never changed nor deleted: begun anew, it would give out numbers that stand on pallets already."""

    list_display = ("warehouse", "extension", "company_prefix", "next_serial")
    list_select_related = ("warehouse",)
    readonly_fields = ("next_serial",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
