"""Announcements and differences in the admin, to look at: the desk and the floor change them."""

from __future__ import annotations

from django.contrib import admin

from inbound.models import Asn, AsnCarton, AsnLine, Discrepancy, ReceiptLine
from wms.core.admin_base import LockedAdmin


@admin.register(Asn)
class AsnAdmin(LockedAdmin):
    list_display = ("reference", "merchant", "warehouse", "status", "container_number", "expected_on", "created_at")
    list_select_related = ("merchant", "warehouse")
    list_filter = ("warehouse", "status")
    search_fields = ("reference", "container_number")
    ordering = ("-pk",)


@admin.register(AsnCarton)
class AsnCartonAdmin(LockedAdmin):
    list_display = ("code", "asn", "number", "box_number", "sscc", "weight_g")
    list_select_related = ("asn",)
    search_fields = ("code", "sscc")


@admin.register(AsnLine)
class AsnLineAdmin(LockedAdmin):
    list_display = ("asn", "number", "sku", "quantity", "received", "damaged", "put_away")
    list_select_related = ("asn", "sku")
    ordering = ("-pk",)


@admin.register(ReceiptLine)
class ReceiptLineAdmin(LockedAdmin):
    list_display = ("at", "asn", "sku", "bin", "quantity", "condition", "by")
    list_select_related = ("asn", "sku", "bin", "by")
    ordering = ("-pk",)


@admin.register(Discrepancy)
class DiscrepancyAdmin(LockedAdmin):
    list_display = ("asn", "sku", "kind", "quantity", "status", "created_at")
    list_select_related = ("asn", "sku")
    list_filter = ("kind", "status")
    ordering = ("-pk",)
