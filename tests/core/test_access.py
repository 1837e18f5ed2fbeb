"""What each group of people may do."""

import pytest
from django.contrib.auth.models import Group, Permission

from wms.core import access

pytestmark = pytest.mark.django_db


def rights() -> dict[str, set[str]]:
    return {
        group.name: {f"{right.content_type.app_label}.{right.codename}" for right in group.permissions.select_related("content_type")}
        for group in Group.objects.all()
    }


def test_groups_have_exactly_their_rights_whatever_they_had(django_assert_num_queries):
    access.ensure_groups()
    expected = rights()
    assert set(expected) == {"merchant", "picker", "supervisor"}
    assert expected["merchant"] == set(access.MERCHANT_RIGHTS)
    assert expected["picker"] == set(access.PICKER_RIGHTS)
    assert {right.partition(".")[0] for right in expected["supervisor"]} == {*access.SUPERVISOR_APPS, "core"}
    assert {right for right in expected["supervisor"] if right.startswith("core.")} == {"core.view_merchant"}

    groups = access.ensure_groups()
    groups["picker"].permissions.set(Permission.objects.filter(content_type__app_label="core"))
    groups["merchant"].permissions.clear()
    assert rights() != expected
    access.ensure_groups()
    assert rights() == expected
    with django_assert_num_queries(3):
        access.ensure_groups()
