"""Orders and the work on them in the admin, to look at: the desk and the floor change them. Buyers' addresses are not shown here."""

from __future__ import annotations

from django.contrib import admin

from outbound.models import Order, Parcel, PickTask, Wave
from wms.core.admin_base import LockedAdmin


@admin.register(Order)
class OrderAdmin(LockedAdmin):
    list_display = ("reference", "merchant", "warehouse", "status", "ship_by", "unit_count", "country", "created_at")
    list_select_related = ("merchant", "warehouse")
    list_filter = ("warehouse", "status")
    search_fields = ("reference__exact",)
    ordering = ("-pk",)
    exclude = ("ship_to",)


@admin.register(Wave)
class WaveAdmin(LockedAdmin):
    list_display = ("pk", "warehouse", "cut_off", "order_count", "by", "created_at")
    list_select_related = ("warehouse", "by")
    ordering = ("-pk",)


@admin.register(PickTask)
class PickTaskAdmin(LockedAdmin):
    list_display = ("order", "sku", "bin", "quantity", "status", "tote", "picker", "picked_at")
    list_select_related = ("order", "sku", "bin", "tote", "picker")
    ordering = ("-pk",)


@admin.register(Parcel)
class ParcelAdmin(LockedAdmin):
    list_display = ("tracking_number", "order", "carrier", "weight_g", "status", "packed_at", "shipped_at")
    list_select_related = ("order",)
    search_fields = ("tracking_number__exact",)
    ordering = ("-pk",)
