"""Shops' orders in the administration."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplaces.models import ChannelOrder
from wms.core.admin_base import MasterAdmin


@admin.register(ChannelOrder)
class ChannelOrderAdmin(MasterAdmin):
    """What came from the shops, and what a person must look at."""

    list_display = ("number", "channel", "status", "problem", "detail", "parts", "updated_at")
    list_select_related = ("channel",)
    list_filter = ("channel", "status", "problem")
    search_fields = ("number", "external_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChannelOrder]:
        rows: QuerySet[ChannelOrder] = super().get_queryset(request)
        return rows.prefetch_related("parts")

    @admin.display(description=_("details of the problem"))
    def detail(self, row: ChannelOrder) -> str:
        return row.detail

    @admin.display(description=_("orders"))
    def parts(self, row: ChannelOrder) -> str:
        return ", ".join(part.reference for part in row.parts.all() if part.order_id is not None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
