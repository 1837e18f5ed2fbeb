"""Django's way to a person's rights, in one statement: every page and every scan asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.backends import ModelBackend
from django.db import connection

from wms.core.models import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import Model

_OF_PERSON_AND_GROUPS = """
SELECT c.app_label || '.' || p.codename FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
WHERE p.id IN (
    SELECT permission_id FROM core_user_user_permissions WHERE user_id = %(user)s
    UNION ALL
    SELECT g.permission_id FROM auth_group_permissions g JOIN core_user_groups u ON u.group_id = g.group_id WHERE u.user_id = %(user)s
)
"""


class RightsBackend(ModelBackend):
    """As Django's own, which asks once for the person's rights and once for those of the groups."""

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            with connection.cursor() as cursor:
                cursor.execute(_OF_PERSON_AND_GROUPS, {"user": user_obj.pk})
                user_obj._perm_cache = {right for (right,) in cursor.fetchall()}  # type: ignore[attr-defined]
        rights: set[str] = user_obj._perm_cache  # type: ignore[attr-defined]
        return rights
