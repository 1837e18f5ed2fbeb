"""A person's rights are those of Django's own backend, in one statement."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission

from tests import make
from wms.core import access
from wms.core.models import User
from wms.core.rights import RightsBackend

pytestmark = pytest.mark.django_db


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_own_rights_and_those_of_the_groups_in_one_statement(django_assert_num_queries):
    picker = make.user("picker")
    picker.groups.add(access.ensure_groups()["picker"])
    picker.user_permissions.add(Permission.objects.get(codename="view_channel"))
    expected = ModelBackend().get_all_permissions(fresh(picker))
    assert "marketplaces.view_channel" in expected
    assert "outbound.pick_order" in expected
    asked = fresh(picker)
    with django_assert_num_queries(1):
        assert asked.has_perm("outbound.pick_order")
        assert not asked.has_perm("marketplaces.change_channel")
    assert asked.get_all_permissions() == expected


def test_who_left_has_no_rights_and_a_superuser_has_all():
    gone, root = make.user("gone"), make.user("root")
    gone.groups.add(access.ensure_groups()["supervisor"])
    User.objects.filter(pk=gone.pk).update(is_active=False)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    assert fresh(gone).get_all_permissions() == set()
    assert fresh(root).has_perm("marketplaces.change_channel")


def test_who_is_signed_in_comes_with_all_rights_in_one_statement(django_assert_num_queries):
    picker = make.user("picker")
    picker.groups.add(access.ensure_groups()["picker"])
    expected = ModelBackend().get_all_permissions(fresh(picker))
    with django_assert_num_queries(1):
        found = RightsBackend().get_user(picker.pk)
        assert found == picker
        assert found.get_all_permissions() == expected
    assert {field.name: getattr(found, field.attname) for field in User._meta.concrete_fields} == {
        field.name: getattr(fresh(picker), field.attname) for field in User._meta.concrete_fields
    }


def test_nobody_is_signed_in_who_left_or_is_gone_and_a_superuser_keeps_all_rights():
    gone, root = make.user("gone"), make.user("root")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    backend = RightsBackend()
    assert backend.get_user(gone.pk) is None
    assert backend.get_user(gone.pk + 1_000_000) is None
    found = backend.get_user(root.pk)
    assert found is not None
    assert found.get_all_permissions() == ModelBackend().get_all_permissions(fresh(root))
    assert len(found.get_all_permissions()) == Permission.objects.count()
