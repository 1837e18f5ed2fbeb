"""What is offered: listings and bundles, and a merchant's rule for all shops."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from inventory.models import Sku
from marketplaces import bundles, channels, stock_sync
from marketplaces.admin.channels import RULE
from marketplaces.holding import hold
from marketplaces.models import Bundle, BundleComponent, Channel, Listing, MerchantOffers
from wms.core.admin_base import MasterAdmin


class ListingForm(forms.ModelForm):
    class Meta:
        model = Listing
        fields = ("sku", "bundle", *RULE)

    def clean_sku(self) -> Sku | None:
        sku: Sku | None = self.cleaned_data["sku"]
        if sku is not None and sku.merchant_id != self.instance.merchant_id:
            raise forms.ValidationError(_("Unknown sku."))
        return sku

    def clean_bundle(self) -> Bundle | None:
        bundle: Bundle | None = self.cleaned_data["bundle"]
        if bundle is not None and bundle.merchant_id != self.instance.merchant_id:
            raise forms.ValidationError(_("Unknown bundle."))
        if bundle is not None and self.cleaned_data.get("sku") is not None:
            raise forms.ValidationError(_("A listing is tied to a sku or to a bundle, not to both."))
        return bundle


@admin.register(Listing)
class ListingAdmin(MasterAdmin):
    form = ListingForm
    list_display = ("external_sku", "title", "channel", "sku", "bundle", "pushed_quantity", "pushed_at", "trouble")
    list_select_related = ("channel", "sku", "bundle")
    list_filter = ("channel", ("sku", admin.EmptyFieldListFilter), ("bundle", admin.EmptyFieldListFilter))
    search_fields = ("external_sku", "title", "sku__code", "bundle__code")
    autocomplete_fields: tuple[str, ...] = ()
    raw_id_fields = ("sku", "bundle")
    readonly_fields = ("channel", "merchant", "external_id", "external_sku", "title", "pushed_quantity", "pushed_at", "trouble")

    @admin.display(description=_("last error"))
    def trouble(self, listing: Listing) -> str:
        return listing.trouble

    def save_model(self, request: HttpRequest, listing: Listing, form: Any, change: bool) -> None:
        with transaction.atomic():
            hold(listing.channel_id)
            listing.save(update_fields=RULE)
            channels.tie(listing=listing, sku=listing.sku, bundle=listing.bundle)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class ComponentFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            sku = getattr(form, "cleaned_data", {}).get("sku")
            if sku is not None and sku.merchant_id != self.instance.merchant_id:
                form.add_error("sku", _("Unknown sku."))


class ComponentInline(TabularInline):
    model = BundleComponent
    formset = ComponentFormSet
    fields = ("sku", "quantity")
    raw_id_fields = ("sku",)
    min_num, extra = 1, 0

    def get_formset(self, request: HttpRequest, obj: Bundle | None = None, **kwargs: Any) -> Any:
        """A bundle of nothing is refused here; the database would refuse it at the commit."""
        return super().get_formset(request, obj, validate_min=True, **kwargs)


@admin.register(Bundle)
class BundleAdmin(MasterAdmin):
    list_display = ("code", "name", "merchant")
    list_select_related = ("merchant",)
    list_filter = ("merchant",)
    search_fields = ("code", "name")
    fields = ("merchant", "code", "name")
    inlines = (ComponentInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Bundle | None = None) -> tuple[str, ...]:
        return ("merchant",) if obj is not None else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        bundles.made(form.instance.merchant, [form.instance.pk])


@admin.register(MerchantOffers)
class MerchantOffersAdmin(MasterAdmin):
    list_display = ("merchant", *RULE)
    list_select_related = ("merchant",)
    fields = ("merchant", *RULE)

    def save_model(self, request: HttpRequest, offers: MerchantOffers, form: Any, change: bool) -> None:
        super().save_model(request, offers, form, change)
        _tell(offers)

    def delete_model(self, request: HttpRequest, offers: MerchantOffers) -> None:
        super().delete_model(request, offers)
        _tell(offers)

    def get_readonly_fields(self, request: HttpRequest, obj: MerchantOffers | None = None) -> tuple[str, ...]:
        return ("merchant",) if obj is not None else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No deletion of many at once: the shops would not be told."""
        return {}


def _tell(offers: MerchantOffers) -> None:
    """Another rule means other numbers."""
    for channel in Channel.objects.filter(merchant=offers.merchant_id, active=True):
        stock_sync.tell_all(channel=channel)
