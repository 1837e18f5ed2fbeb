"""Places and goods in the admin. The ledger and its totals can be read here and changed nowhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from inventory import bins, closing
from inventory.models import (
    Availability,
    Barcode,
    Bin,
    Carton,
    CutOff,
    Holiday,
    Lot,
    PutBackTask,
    Reach,
    Sku,
    StockBalance,
    StockMovement,
    Warehouse,
    Zone,
)
from inventory.warehouses import equip
from wms.core import outbox
from wms.core.admin_base import Inline, LockedAdmin, MasterAdmin


class HolidayInline(Inline):
    model = Holiday


class CutOffInline(Inline):
    model = CutOff


class ReachInline(Inline):
    """Which warehouse of a channel is the nearest to a buyer."""

    model = Reach


class ZoneInline(Inline):
    model = Zone


class BarcodeForm(forms.ModelForm):
    """Whose barcode it is, is not on the form: that the merchant has it on another sku is seen here."""

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        taken = Barcode.objects.filter(merchant=self.instance.sku.merchant_id, code=code).exclude(pk=self.instance.pk)
        if (other := taken.select_related("sku").first()) is not None:
            raise forms.ValidationError(str(_("The barcode {code} belongs to {sku}.")).format(code=code, sku=other.sku.code))
        return code


class BarcodeForms(forms.BaseInlineFormSet):
    def _construct_form(self, i: int, **kwargs: Any) -> forms.ModelForm:
        form: forms.ModelForm = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # the stubs know no hooks of formsets
        form.instance.sku = self.instance  # also one that is not saved yet: its form's barcodes are checked before
        return form

    def clean(self) -> None:
        super().clean()
        seen: set[str] = set()
        for form in self.forms:
            code = form.cleaned_data.get("code", "") if form.is_valid() else ""
            if code in seen:
                raise forms.ValidationError(str(_("The barcode {code} comes twice.")).format(code=code))
            seen |= {code} if code else set()


class BarcodeInline(Inline):
    model = Barcode
    form = BarcodeForm
    formset = BarcodeForms
    fields = ("code", "pack_quantity")


class KeptAdmin(MasterAdmin):
    """What stock and documents point to is closed (`active`), never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Warehouse)
class WarehouseAdmin(KeptAdmin):
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    list_display = ("code", "name", "country", "time_zone", "active")
    inlines = (CutOffInline, HolidayInline, ReachInline, ZoneInline)

    def save_model(self, request: HttpRequest, obj: Warehouse, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        equip(obj)
        if change and "active" in form.changed_data:
            closing.tell_of_warehouse(obj.pk)


class BinForm(forms.ModelForm):
    def clean_active(self) -> bool:
        active = bool(self.cleaned_data["active"])
        if self.instance.pk is not None and "active" in self.changed_data and not active:
            try:
                # The form is checked and saved in one transaction.
                bins.require_empty([self.instance.pk])
            except bins.BinNotEmpty as error:
                raise forms.ValidationError(str(error), code=error.code) from error
        return active


@admin.register(Bin)
class BinAdmin(KeptAdmin):
    """What stock depends on is said once, when a bin is made; another kind for an empty bin comes with a file of bins."""

    form = BinForm
    list_display = ("code", "warehouse", "zone", "kind", "walking_sequence", "check_code", "active")
    list_select_related = ("warehouse", "zone")
    list_filter = ("warehouse", "kind", "active")
    search_fields = ("code__startswith",)
    ordering = ("warehouse", "walking_sequence")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "warehouse", "code", "kind") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Bin, form: Any, change: bool) -> None:
        bins.lock_for_bins([obj.warehouse_id])
        super().save_model(request, obj, form, change)


@admin.register(Sku)
class SkuAdmin(KeptAdmin):
    list_display = ("code", "merchant", "name", "name_zh", "weight_g", "active")
    list_select_related = ("merchant",)
    list_filter = ("merchant", "active", "tracks_lot", "tracks_expiry")
    search_fields = ("code", "name", "name_zh", "barcodes__code")
    ordering = ("merchant", "code")
    readonly_fields = ("created_at",)
    inlines = (BarcodeInline,)

    def save_model(self, request: HttpRequest, obj: Sku, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "active" in form.changed_data:
            closing.tell_of_skus([obj.pk])
        if obj.active:
            outbox.emit("sku.entered", merchant_id=obj.merchant_id)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        # A barcode belongs to whom its sku belongs to.
        for barcode in formset.save(commit=False):
            barcode.merchant_id = barcode.sku.merchant_id
            barcode.save()
        for gone in formset.deleted_objects:
            gone.delete()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "merchant", "code") if obj else self.readonly_fields


@admin.register(Lot)
class LotAdmin(LockedAdmin):
    list_display = ("code", "sku", "expires_on")
    list_select_related = ("sku",)
    search_fields = ("code", "sku__code")


@admin.register(Carton)
class CartonAdmin(LockedAdmin):
    list_display = ("code", "sscc", "merchant", "created_at")
    list_select_related = ("merchant",)
    search_fields = ("code", "sscc")


@admin.register(StockMovement)
class StockMovementAdmin(LockedAdmin):
    list_display = ("at", "reason", "sku", "bin", "lot", "condition", "carton", "quantity", "document", "by")
    list_select_related = ("sku", "bin", "lot", "carton", "by")
    ordering = ("-pk",)


@admin.register(StockBalance)
class StockBalanceAdmin(LockedAdmin):
    list_display = ("bin", "sku", "lot", "condition", "carton", "on_hand", "reserved", "since")
    list_select_related = ("bin", "sku", "lot", "carton")
    list_filter = ("warehouse", "condition")
    search_fields = ("sku__code", "bin__code")


@admin.register(Availability)
class AvailabilityAdmin(LockedAdmin):
    list_display = ("sku", "warehouse", "on_hand", "committed", "backordered", "available")
    list_select_related = ("sku", "warehouse")
    search_fields = ("sku__code",)


@admin.register(PutBackTask)
class PutBackTaskAdmin(LockedAdmin):
    list_display = ("bin", "sku", "quantity", "document", "status", "created_at", "done_at")
    list_select_related = ("bin", "sku")
    list_filter = ("status",)
