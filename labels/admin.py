"""The number ranges of SSCCs, printers, stations and routes in the administration."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from labels.kinds import KINDS
from labels.media import MEDIA
from labels.models import PrintAgent, Printer, Route, SsccRange, Station
from wms.core.admin_base import Inline, LockedAdmin, MasterAdmin


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


class RouteForm(forms.ModelForm):
    kind = forms.ChoiceField(label=_("kind of label"), required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("every other")), *((kind.name, kind.title) for kind in KINDS.values())]  # type: ignore[attr-defined]  # a choice field


class RouteInline(Inline):
    model = Route
    form = RouteForm
    fields = ("warehouse", "kind", "printer")


class PrinterForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [("", _("the usual one of each kind")), *((media.name, media.title) for media in MEDIA.values())]
        self.fields["media"] = forms.ChoiceField(label=_("media"), required=False, widget=UnfoldAdminSelectWidget, choices=known)


@admin.register(Printer)
class PrinterAdmin(MasterAdmin):
    form = PrinterForm
    list_display = ("code", "warehouse", "name", "way", "format", "dpi", "media", "trouble", "active")
    list_select_related = ("warehouse",)
    list_filter = ("warehouse", "way", "active")
    search_fields = ("code__startswith", "name")
    readonly_fields = ("trouble", "trouble_since")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Station)
class StationAdmin(MasterAdmin):
    list_display = ("code", "warehouse", "name", "active")
    list_select_related = ("warehouse",)
    list_filter = ("warehouse", "active")
    inlines = (RouteInline,)


@admin.register(Route)
class RouteAdmin(MasterAdmin):
    form = RouteForm
    list_display = ("warehouse", "station", "kind_title", "printer")
    list_select_related = ("warehouse", "station", "printer")
    list_filter = ("warehouse",)

    @admin.display(description=_("kind of label"), ordering="kind")
    def kind_title(self, route: Route) -> str:
        return str(KINDS[route.kind].title if route.kind in KINDS else route.kind or _("every other"))


@admin.register(PrintAgent)
class PrintAgentAdmin(LockedAdmin):
    """Made and revoked at the desk, where its token is shown once."""

    list_display = ("name", "warehouse", "prefix", "seen_at", "revoked_at")
    list_select_related = ("warehouse",)
    fields = ("name", "warehouse", "prefix", "created_at", "seen_at", "revoked_at")
