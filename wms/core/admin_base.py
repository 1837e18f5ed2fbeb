"""What the administration of every app begins with."""

from __future__ import annotations

from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline


class MasterAdmin(ModelAdmin):
    """Master data: lists without a count of the whole table, fifty a page."""

    list_per_page = 50
    show_full_result_count = False


class LockedAdmin(MasterAdmin):
    """Rows that only the floor's own commands write: everybody may look, nobody may touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class Inline(TabularInline):
    extra = 0
