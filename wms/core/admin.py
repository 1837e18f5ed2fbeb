"""People and merchants in the admin. API keys are issued on the desk, where they are shown once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from wms.core import signing_in
from wms.core.admin_base import LockedAdmin, MasterAdmin
from wms.core.models import ApiKey, Merchant, User
from wms.core.permissions import works_here

admin.site.unregister(Group)


def _works_at_the_desk(request: HttpRequest) -> bool:
    return works_here(request.user) and request.user.is_staff


# Its lists show the rows of all merchants: no merchant's person gets in, whatever flags and groups somebody ticked for them.
admin.site.has_permission = _works_at_the_desk  # type: ignore[method-assign]  # the site is the package's


class PersonForm(UserChangeForm):
    """`new_pin` issues a badge: its token is shown once, to be printed as a barcode."""

    new_pin = forms.RegexField(
        r"^\d{4,8}$",
        label=_("New badge with PIN"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("4 to 8 digits. A new badge is issued and shown once; an earlier one stops working."),
    )
    revoke_badge = forms.BooleanField(label=_("Revoke the badge"), required=False)


@admin.register(User)
class PersonAdmin(DjangoUserAdmin, MasterAdmin):
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_floor", "is_staff", "merchant", "has_badge", "is_active")
    list_select_related = ("merchant",)
    list_filter = ("is_floor", "is_staff", "is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language")}),
        (_("Badge"), {"fields": ("new_pin", "revoke_badge")}),
        (_("Rights"), {"fields": ("is_active", "is_floor", "is_staff", "merchant", "groups", "is_superuser")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "password1", "password2", "is_floor", "is_staff", "merchant")}),)
    filter_horizontal = ("groups",)

    @admin.display(boolean=True, description=_("badge"))
    def has_badge(self, person: User) -> bool:
        return bool(person.badge_hash)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("revoke_badge"):
            User.objects.filter(pk=obj.pk).update(badge_hash="", pin_hash="")
        if pin := form.cleaned_data.get("new_pin"):
            # Only after the admin's own transaction: issuing a badge is a command with one of its own.
            transaction.on_commit(lambda: self._issue_badge(request, obj, pin))

    def _issue_badge(self, request: HttpRequest, person: User, pin: str) -> None:
        token = signing_in.issue_badge(user=person, pin=pin)
        messages.success(request, str(_("The badge of {person}, shown this once: {token}")).format(person=person.username, token=token))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, MasterAdmin):
    pass


@admin.register(Merchant)
class MerchantAdmin(MasterAdmin):
    list_display = ("code", "name", "packs_unit_by_unit", "active", "sandbox")
    search_fields = ("code", "name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(LockedAdmin):
    list_display = ("prefix", "merchant", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("merchant",)
    fields = ("merchant", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
