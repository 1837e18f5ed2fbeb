"""Who gets into the administration: the house's own people at the desk, and nobody else."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from tests import make
from tests.desk.house import House
from wms.core.models import User


@pytest.mark.parametrize("who", ["nobody", "picker", "merchant"])
def test_only_the_houses_own_people_get_in(house: House, client: Client, who: str) -> None:
    if who == "picker":
        picker = make.user()
        picker.groups.add(*Group.objects.all())
        client.force_login(picker)
    elif who == "merchant":
        client.force_login(User.objects.create_superuser("theirs", password="theirs-theirs", merchant=house.merchant))
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        for url in (
            reverse(f"{name}_changelist"),
            reverse(f"{name}_add"),
            *([reverse(f"{name}_change", args=[row.pk]), reverse(f"{name}_history", args=[row.pk])] if row is not None else []),
        ):
            answer = client.get(url)
            assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}"), url
            assert client.post(url, {}).status_code == 302, url
    for url in (reverse("admin:index"), reverse("admin:search"), reverse("admin:app_list", args=["core"]), reverse("admin:autocomplete")):
        assert client.get(url).status_code == 302, url


def test_the_administration_has_no_way_in_of_its_own(house: House, client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/sign-in?next=/admin/"
    house.supervisor.set_password("a-good-password")
    house.supervisor.save()
    assert client.post("/admin/login/", {"username": "supervisor", "password": "a-good-password"}).status_code == 302
    assert "_auth_user_id" not in client.session
