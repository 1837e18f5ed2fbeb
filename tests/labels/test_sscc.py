"""SSCCs of a warehouse's range: each once, in order. Many stations at once: tests/races/test_sscc.py."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from inventory.models import Warehouse
from labels import gs1, sscc
from labels.models import SsccRange
from tests import make
from wms.core.models import User

pytestmark = pytest.mark.django_db


def warehouse_with(*ranges: tuple[int, str, int]) -> Warehouse:
    """(extension, company prefix, next serial) each."""
    house = Warehouse.objects.create(code=f"S{make.number()}", name="House", country="GB")
    for extension, prefix, serial in ranges:
        SsccRange.objects.create(warehouse=house, extension=extension, company_prefix=prefix, next_serial=serial)
    return house


def take(house: Warehouse, count: int = 1) -> list[str]:
    with transaction.atomic():
        return sscc.next_sscc(warehouse_id=house.pk, count=count)


def test_numbers_go_on_where_they_stopped() -> None:
    house = warehouse_with((3, "4012345", 17))
    assert take(house) == ["340123450000000178"]
    assert take(house, 2) == [gs1.sscc(extension=3, company_prefix="4012345", serial=serial) for serial in (18, 19)]
    assert SsccRange.objects.get().next_serial == 20


def test_a_rolled_back_command_gives_its_numbers_back() -> None:
    house = warehouse_with((3, "4012345", 17))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        sscc.next_sscc(warehouse_id=house.pk)
        raise ZeroDivisionError
    assert take(house) == ["340123450000000178"]


@pytest.mark.django_db(transaction=True)
def test_it_joins_a_transaction() -> None:
    with pytest.raises(AssertionError):
        sscc.next_sscc(warehouse_id=1)


def test_a_thousand_numbers_are_one_statement(django_assert_num_queries) -> None:
    house = warehouse_with((0, "4012345", 0))
    with transaction.atomic(), django_assert_num_queries(1):
        numbers = sscc.next_sscc(warehouse_id=house.pk, count=1000)
    assert len(set(numbers)) == 1000
    assert [gs1.checked(number, 18) for number in numbers] == numbers


def test_the_next_range_follows_one_that_is_used_up() -> None:
    house = warehouse_with((0, "401234567890", 9_998), (1, "401234567890", 0))
    assert [number[:17] for number in take(house, 2)] == ["04012345678909998", "04012345678909999"]
    assert [number[:17] for number in take(house, 2)] == ["14012345678900000", "14012345678900001"]


def test_a_range_that_is_used_up_is_a_typed_error_and_changes_nothing() -> None:
    house = warehouse_with((0, "401234567890", 9_998))
    with pytest.raises(sscc.SsccRangeUsedUp) as raised:
        take(house, 3)
    assert raised.value.details == {"count": 3}
    assert SsccRange.objects.get().next_serial == 9_998
    assert len(take(house, 2)) == 2
    with pytest.raises(sscc.SsccRangeUsedUp):
        take(house)


def test_ranges_of_other_warehouses_are_not_touched() -> None:
    warehouse_with((0, "4012345", 0))
    with pytest.raises(sscc.SsccRangeUsedUp):
        take(warehouse_with())


@pytest.mark.parametrize(("extension", "prefix"), [(3, "4012345"), (3, "40123456"), (3, "40123")])
def test_no_two_ranges_hold_the_same_number(extension: int, prefix: str) -> None:
    house = warehouse_with((3, "4012345", 0))
    other = SsccRange(warehouse=house, extension=extension, company_prefix=prefix)
    with pytest.raises(ValidationError):
        other.full_clean()
    with pytest.raises(IntegrityError, match="sscc_ranges_do_not_overlap"), transaction.atomic():
        other.save()


@pytest.mark.parametrize(("extension", "prefix"), [(4, "4012345"), (3, "4012346"), (3, "40124")])
def test_neighbours_are_allowed(extension: int, prefix: str) -> None:
    house = warehouse_with((3, "4012345", 0))
    other = SsccRange(warehouse=house, extension=extension, company_prefix=prefix)
    other.full_clean()
    other.save()


@pytest.mark.parametrize(("extension", "prefix"), [(10, "4012345"), (3, "401"), (3, "40123x5"), (3, "４０１２３４５"), (3, "4012345\n")])
def test_impossible_ranges_are_refused(extension: int, prefix: str) -> None:
    with pytest.raises(ValidationError):
        SsccRange(warehouse=warehouse_with(), extension=extension, company_prefix=prefix).full_clean()
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        warehouse_with((extension, prefix, 0))


def test_a_range_is_added_in_the_administration_and_kept_as_it_is(client: Client) -> None:
    client.force_login(User.objects.create_superuser("chief", password="chief-chief"))
    house = warehouse_with()
    add, form = reverse("admin:labels_ssccrange_add"), {"warehouse": house.pk, "extension": "3", "company_prefix": "4012345"}
    assert client.post(add, {**form, "company_prefix": "401"}).status_code == 200
    assert SsccRange.objects.count() == 0
    assert client.post(add, form).status_code == 302
    assert take(house) == ["340123450000000000"[:17] + gs1.check_digit("34012345000000000")]
    row = SsccRange.objects.get()
    assert client.post(add, {**form, "company_prefix": "40123456"}).status_code == 200, "its numbers are the first range's"
    assert client.get(reverse("admin:labels_ssccrange_changelist")).status_code == 200
    assert client.post(reverse("admin:labels_ssccrange_change", args=[row.pk]), {**form, "extension": "4"}).status_code == 403
    assert client.post(reverse("admin:labels_ssccrange_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert (SsccRange.objects.count(), row.extension, row.next_serial) == (1, 3, 1)
