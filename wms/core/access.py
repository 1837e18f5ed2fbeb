"""Merchants, their API keys, and what each group of people may do."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from wms.core import scopes
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import ApiKey, Merchant, OwnedQuerySet, RequestOutcome, User

KEY_PREFIX = "wms_"
USE_IS_NOTED_EVERY = timedelta(minutes=1)
# After a rotation the old key goes on for so many hours, until every program of the merchant has the new one.
OVERLAP_HOURS = 24
LONGEST_OVERLAP_HOURS = 24 * 90
VIEWS = (
    "inventory.view_sku",
    "inventory.view_barcode",
    "inventory.view_warehouse",
    "inventory.view_availability",
    "inventory.view_stockbalance",
)
MERCHANT_RIGHTS = (
    "inbound.announce_asn",
    "inbound.view_asn",
    "outbound.accept_order",
    "outbound.cancel_order",
    "outbound.view_order",
    "outbound.view_parcel",
    "inventory.add_sku",
    "inventory.change_sku",
    *VIEWS,
)
PICKER_RIGHTS = (
    "inbound.receive_asn",
    "inbound.view_asn",
    "outbound.pick_order",
    "outbound.pack_order",
    "outbound.view_order",
    "inventory.view_bin",
    "labels.print_label",
    *VIEWS,
)
_WORKS = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now()))
GROUPS = ("merchant", "picker", "supervisor")
# Every right on these apps; people, keys and groups stay with administrators.
SUPERVISOR_APPS = ("inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks", "operations")


# Who sent a form, and the id that it was shown with.
Form = tuple[User, str]


class CodeTaken(WmsError):
    code, status, message = "code_taken", 409, _("There is a merchant {code} already.")


class KeyMadeAlready(WmsError):
    code, status = "key_made_already", 409
    message = _("This was sent before: the key that it made is in the list, and nobody can show it again. Revoke it if it was not copied.")


def ensure_groups() -> dict[str, Group]:
    """The groups picker, supervisor and merchant with exactly their rights. Run it again after a migration that brings new ones."""
    groups = {group.name: group for group in Group.objects.filter(name__in=GROUPS)}
    if len(groups) < len(GROUPS):
        Group.objects.bulk_create([Group(name=name) for name in GROUPS if name not in groups], ignore_conflicts=True)
        groups = {group.name: group for group in Group.objects.filter(name__in=GROUPS)}
    permissions = Permission.objects.order_by().values_list("pk", "content_type__app_label", "codename")
    wanted = {
        (group.pk, permission) for permission, app, codename in permissions for name, group in groups.items() if _may(name, app, codename)
    }
    given = Group.permissions.through.objects.filter(group__in=groups.values())
    there = {(row.group_id, row.permission_id): row.pk for row in given}
    if there.keys() - wanted:
        given.filter(pk__in=[there[each] for each in there.keys() - wanted]).delete()
    # In the order of the unique key, so that two who do this at once cannot deadlock.
    missing = [given.model(group_id=group, permission_id=permission) for group, permission in sorted(wanted - there.keys())]
    given.bulk_create(missing, ignore_conflicts=True)
    return groups


def _may(group: str, app: str, codename: str) -> bool:
    if group == "supervisor":
        return app in SUPERVISOR_APPS or (app, codename) == ("core", "view_merchant")
    return f"{app}.{codename}" in (PICKER_RIGHTS if group == "picker" else MERCHANT_RIGHTS)


@transaction.atomic(durable=True)
def create_merchant(*, code: str, name: str) -> Merchant:
    """Raises CodeTaken, InvalidInput."""
    code, name = code.strip(), name.strip()
    problems = [
        {"path": [field], "message": str(message)}
        for field, value, longest, message in (
            ("code", code, 50, _("The code is empty, longer than 50 characters or holds blanks.")),
            ("name", name, 200, _("The name is empty or longer than 200 characters.")),
        )
        if not value or len(value) > longest or not value.isprintable() or (field == "code" and " " in value)
    ]
    if problems:
        raise InvalidInput(problems)
    merchant, new = Merchant.objects.get_or_create(code=code, defaults={"name": name})
    if not new:
        raise CodeTaken(code=code)
    return merchant


@transaction.atomic(durable=True)
def issue_key(*, merchant: Merchant, wanted: Iterable[str] = scopes.ALL, form: Form | None = None) -> str:
    """A new key for the merchant's API with the wanted scopes. It is shown this once: only its SHA-256 is stored. Raises InvalidInput, KeyMadeAlready."""
    _once(form)
    user, new = User.objects.get_or_create(username=f"api:{merchant.code}", defaults={"merchant": merchant})
    if new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    user.groups.add(ensure_groups()["merchant"])
    return _new_key(merchant, user, scopes.checked(wanted))


def _once(form: Form | None) -> None:
    """A step: of a form that is sent twice, by a double click or a reload, the second one is refused: what it made cannot be shown again."""
    if form is None:
        return
    by, form_id = form
    try:
        with transaction.atomic():
            RequestOutcome.objects.create(actor=by, request_id=form_id, fingerprint="", outcome={})
    except IntegrityError as error:
        raise KeyMadeAlready from error


def _new_key(merchant: Merchant, user: User, granted: list[str]) -> str:
    raw = KEY_PREFIX + secrets.token_urlsafe(32)
    ApiKey.objects.create(merchant=merchant, user=user, prefix=raw[:12], key_hash=_hash(raw), scopes=granted)
    return raw


@transaction.atomic(durable=True)
def rotate_key(*, merchant: Merchant, key_id: int, overlap_hours: int = OVERLAP_HOURS, form: Form | None = None) -> str:
    """A new key in place of one that works, with its scopes; the old one goes on for so many hours, at most 90 days.

    Raises NotFound, InvalidInput, KeyMadeAlready.
    """
    _once(form)
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        message = str(_("From 0 to {most} hours.")).format(most=LONGEST_OVERLAP_HOURS)
        raise InvalidInput([{"path": ["overlap_hours"], "message": message}])
    old = working_keys(merchant).select_for_update(no_key=True).filter(pk=key_id).select_related(None).first()
    if old is None:
        raise NotFound(what=str(ApiKey._meta.verbose_name), key=key_id)
    until = timezone.now() + timedelta(hours=overlap_hours)
    old.expires_at = min(until, old.expires_at or until)
    old.save(update_fields=["expires_at"])
    return _new_key(merchant, old.user, old.scopes)


def working_keys(merchant: Merchant) -> OwnedQuerySet[ApiKey]:
    """Neither revoked nor at their end."""
    return ApiKey.objects.filter(_WORKS, merchant=merchant)


@transaction.atomic(durable=True)
def revoke_key(*, key_id: int, by: User) -> None:
    """The key stops working at once. Raises NotFound."""
    if not ApiKey.objects.visible_to(by).filter(pk=key_id, revoked_at=None).update(revoked_at=Now()):
        raise NotFound(what=str(ApiKey._meta.verbose_name), key=key_id)


def authenticate_key(raw: str) -> User | None:
    """Whom a key stands for, with the key's own rights and its merchant; None for an unknown, revoked or inactive one. One statement."""
    if not raw.startswith(KEY_PREFIX) or len(raw) > 200 or not raw.isascii():
        return None
    key = (
        ApiKey.objects.select_related("user", "merchant")
        .filter(_WORKS, key_hash=_hash(raw), merchant__active=True, user__is_active=True)
        .first()
    )
    if key is None:
        return None
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USE_IS_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    user = key.user
    user.merchant = key.merchant
    user.scopes = frozenset(key.scopes)
    # Where Django's backend looks first: no statements for rights on every request.
    user._perm_cache = scopes.rights_of(key.scopes)  # type: ignore[attr-defined]  # asked for by rights.py
    return user


def _hash(raw: str) -> str:
    # A random key of 256 bits needs no slow hash.
    return hashlib.sha256(raw.encode()).hexdigest()
