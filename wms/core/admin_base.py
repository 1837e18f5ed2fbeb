"""What the administration of every app begins with."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse
from psycopg2.errors import UniqueViolation
from unfold.admin import ModelAdmin, TabularInline


class MasterAdmin(ModelAdmin):
    """Master data: lists without a count of the whole table, fifty a page."""

    list_per_page = 50
    show_full_result_count = False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A form that lost a race for a code or a barcode is checked once more, in a transaction of its own: now it sees who has it, and says so."""
        try:
            answer: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            answer = super().changeform_view(request, *args, **kwargs)
        return answer


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
