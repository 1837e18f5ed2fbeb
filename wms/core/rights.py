"""Django's way to a person and their rights, in one statement: every page and every scan asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.backends import ModelBackend
from django.db import connection

from wms.core.models import User
from wms.core.prepared import Prepared

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import Model

_OF_PERSON_AND_GROUPS = """
SELECT c.app_label || '.' || p.codename FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
WHERE p.id IN (
    SELECT permission_id FROM core_user_user_permissions WHERE user_id = %(user)s::bigint
    UNION ALL
    SELECT g.permission_id FROM auth_group_permissions g JOIN core_user_groups u ON u.group_id = g.group_id WHERE u.user_id = %(user)s::bigint
)
"""
_FIELDS = [field.attname for field in User._meta.concrete_fields]
_PERSON = Prepared(
    "person_with_rights",
    f"SELECT {', '.join(f'u.{name}' for name in _FIELDS)}, ARRAY({_OF_PERSON_AND_GROUPS}) FROM core_user u WHERE u.id = %(user)s::bigint",
)


class RightsBackend(ModelBackend):
    """As Django's own, which asks once for the person, once for the person's rights and once for those of the groups."""

    def get_user(self, user_id: int) -> User | None:
        """Who is signed in, with all rights; None for somebody who is gone or may no longer sign in."""
        with connection.cursor() as cursor:
            _PERSON.execute(cursor, {"user": user_id})
            row = cursor.fetchone()
        if row is None:
            return None
        user = User.from_db(connection.alias, _FIELDS, row[:-1])
        if not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:
            user._perm_cache = set(row[-1])  # type: ignore[attr-defined]  # kept on the user for the request, as Django does
        return user

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            with connection.cursor() as cursor:
                cursor.execute(_OF_PERSON_AND_GROUPS, {"user": user_obj.pk})
                user_obj._perm_cache = {right for (right,) in cursor.fetchall()}  # type: ignore[attr-defined]  # kept on the user for the request, as Django does
        rights: set[str] = user_obj._perm_cache  # type: ignore[attr-defined]  # kept on the user for the request, as Django does
        return rights
