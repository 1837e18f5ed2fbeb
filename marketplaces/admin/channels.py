"""Channels in the administration. Keys go in through the form and never come out again."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline

from inventory.models import Warehouse
from marketplaces import adapters, channels, leaving, pausing, same_shop, standings, stock_sync, subscribing, trying
from marketplaces.admin import keys
from marketplaces.models import Channel, SellerRule
from wms.core.admin_base import MasterAdmin
from wms.core.errors import WmsError
from wms.core.models import User

# What of the stock is offered: asked of a merchant, a channel and a listing alike.
RULE = ("buffer", "share_percent", "cap")


class ChannelForm(forms.ModelForm):
    """With a field for each key of each marketplace (marketplaces.admin.keys)."""

    adapter = forms.ChoiceField(
        label=_("marketplace"), choices=lambda: [(name, str(adapters.adapter(name).NAME)) for name in adapters.names()]
    )
    base_url = forms.URLField(label=_("address"), max_length=300, assume_scheme="https")
    warehouse = forms.ModelChoiceField(
        Warehouse.objects.filter(active=True),
        label=_("warehouse"),
        help_text=_("Its stock is offered and orders go there; more are added at the desk."),
    )

    class Meta:
        model = Channel
        fields = ("merchant", "code", "name", "adapter", "base_url", *RULE, "keep_buyers_days")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        known = self.instance.pk is not None  # then merchant and marketplace stay as they are
        merchant = self.instance.merchant if known else cleaned.get("merchant")
        if Channel.objects.filter(merchant=merchant, code=cleaned.get("code", "")).exclude(pk=self.instance.pk).exists():
            self.add_error("code", _("The merchant has a channel with this code."))
        adapter = self.instance.adapter if known else cleaned.get("adapter", "")
        longest, wanted = adapters.longest_kept().get(adapter), cleaned.get("keep_buyers_days")
        if longest is not None and wanted is not None and wanted > longest:
            self.add_error("keep_buyers_days", _("The platform allows %(days)d days at most.") % {"days": longest})
        if adapter not in adapters.names():  # which the field says
            return cleaned
        entered = keys.entered(adapter, cleaned)
        credentials = (self.instance.opened_credentials() if known else {}) | entered
        try:
            base_url = cleaned.get("base_url", "")
            adapters.connect(adapter, base_url=base_url, credentials=credentials)
            if merchant is not None and not self.errors and (not known or entered or "base_url" in self.changed_data):
                there = {"merchant": merchant, "adapter": adapter, "base_url": base_url, "credentials": credentials}
                there["channel"] = self.instance if known else None
                same_shop.need_another(**there, seller=same_shop.who_sells(**there))
        except adapters.CredentialsMissing as error:
            for name in error.details["keys"]:
                self.add_error(keys.field_names(adapter)[name], _("This is needed."))
        except WmsError as error:
            self.add_error(None if entered else "base_url", str(error))
        else:
            if entered:
                cleaned["credentials"] = credentials
        return cleaned


ChannelForm.declared_fields |= keys.fields()


class SellerRuleInline(TabularInline):
    """What the platform demands of this seller: levels and countries differ, and platforms change their numbers."""

    model = SellerRule
    fields = ("measure", "days", "limit_percent", "at_least", "counted", "bad", "room")
    readonly_fields = ("counted", "bad", "room")
    extra = 0


@admin.register(Channel)
class ChannelAdmin(MasterAdmin):
    form = ChannelForm
    list_display = ("name", "merchant", "warehouse", "adapter", "active", "last_push_at", "last_poll_at", "trouble")
    list_select_related = ("merchant",)
    readonly_fields = ("active", "last_push_at", "last_poll_at", "trouble")
    inlines = (SellerRuleInline,)
    actions = ("fetch_listings", "subscribe", "pause", "resume", "tell_all")
    conditional_fields = keys.shown_where()

    @admin.display(description=_("last error"))
    def trouble(self, channel: Channel) -> str:
        return channel.trouble

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        """What its orders and listings hang on stays as it was connected."""
        return (*self.readonly_fields, "merchant", "warehouse", "at_the_desk", "adapter") if obj is not None else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: Channel | None = None) -> list[str]:
        """Its marketplace's keys stand below the address; all marketplaces' where it is still to be chosen, each shown when it is."""
        stored = obj.opened_credentials() if obj else None
        wanted = [field for name in ([obj.adapter] if obj else adapters.names()) for field in keys.shown(name, stored)]
        others = [str(name) for name in super().get_fields(request, obj) if name not in self.conditional_fields]
        below = others.index("base_url") + 1
        return [*others[:below], *wanted, *others[below:]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        rows: QuerySet[Channel] = super().get_queryset(request)
        return rows.prefetch_related("places__warehouse")

    @admin.display(description=_("warehouses"))
    def warehouse(self, channel: Channel) -> str:
        return ", ".join(place.warehouse.code for place in channel.places.all())

    @admin.display(description=_("how it sells out of them"))
    def at_the_desk(self, channel: Channel) -> SafeString:
        """Changed at the desk alone, where the shop is asked and orders that are under way are looked at (marketplaces.places)."""
        rows = [(place.warehouse.code, f" = {place.location}" if place.location else "") for place in channel.places.all()]
        return format_html(
            '{}<div>{}: {}</div><a class="text-primary-600 dark:text-primary-500 underline" href="{}">{}</a>',
            format_html_join("", "<div>{}{}</div>", rows),
            _("An order that no warehouse has whole"),
            channel.get_routing_display(),
            reverse("desk:channel", kwargs={"channel_id": channel.pk}),
            _("Change warehouses"),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        """A channel that is not needed any more is disconnected, at the desk: its orders keep pointing at it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj is not None and obj.gone)

    def save_model(self, request: HttpRequest, channel: Channel, form: ChannelForm, change: bool) -> None:
        data = form.cleaned_data
        if not change:
            made = channels.connect(
                **{name: data[name] for name in ("merchant", "warehouse", "adapter", "base_url", "credentials", "name", "code", *RULE)}
            )
            made.keep_buyers_days = data["keep_buyers_days"]
            made.save(update_fields=["keep_buyers_days"])
            channel.__dict__.update(made.__dict__)
            transaction.on_commit(lambda: self._try_out(request, channel))
            return
        # What workers and the desk have written since the form was sent stays.
        channel.save(update_fields=[name for name in ChannelForm.Meta.fields if name in form.changed_data and name != "base_url"])
        if "credentials" in data or "base_url" in form.changed_data:
            credentials = data.get("credentials") or channel.opened_credentials()
            if channels.change_credentials(channel=channel, credentials=credentials, base_url=data["base_url"]):
                self.message_user(request, str(leaving.OLD_SHOP), messages.WARNING)
            transaction.on_commit(lambda: self._try_out(request, channel))
        stock_sync.tell_all(channel=channel)  # another rule means other numbers

    def _try_out(self, request: HttpRequest, channel: Channel) -> None:
        """When all is kept: the shop may take seconds, and what it says undoes nothing."""
        if problem := trying.try_out(channel=channel):
            text = _("The channel is saved, but its shop does not work with it yet. %(problem)s") % {"problem": problem}
            self.message_user(request, text, messages.WARNING)

    def get_inlines(self, request: HttpRequest, obj: Channel | None = None) -> tuple[Any, ...]:
        """A new channel begins with what its platform demands of all sellers."""
        return self.inlines if obj is not None else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        standings.count(channel_id=form.instance.pk)

    def _each(self, request: HttpRequest, chosen: QuerySet[Channel], work: Any) -> None:
        for channel in chosen:
            try:
                work(channel)
            except WmsError as error:
                self.message_user(request, f"{channel}: {error}", messages.ERROR)

    @admin.action(description=_("Fetch listings"))
    def fetch_listings(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        def fetch(channel: Channel) -> None:
            count = channels.fetch_listings(channel=channel)
            text = ngettext("%(channel)s: %(count)d listing.", "%(channel)s: %(count)d listings.", count)
            self.message_user(request, text % {"channel": channel, "count": count})

        self._each(request, chosen, fetch)

    @admin.action(description=_("Subscribe to the shop's messages"))
    def subscribe(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        def subscribe(channel: Channel) -> None:
            subscribing.subscribe(channel=channel, url=request.build_absolute_uri(reverse("channel-hook", args=[channel.pk])))

        self._each(request, chosen, subscribe)

    @admin.action(description=_("Pause"))
    def pause(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        by = cast(User, request.user)
        self._each(request, chosen, lambda channel: pausing.pause(channel=channel, by=by))

    @admin.action(description=_("Go on"))
    def resume(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        self._each(request, chosen, lambda channel: pausing.resume(channel=channel))

    @admin.action(description=_("Tell all numbers again"))
    def tell_all(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        self._each(request, chosen, lambda channel: stock_sync.tell_all(channel=channel))
