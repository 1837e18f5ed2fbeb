"""What the supervisor does again, since the answer was lost, is found done: at the desk's own pages."""

import random
from typing import Any

import pytest
from django.test import Client

from marketplaces.models import Channel
from tests import make
from wms.core.models import User
from wms.simulation.calls import Faults, Reply
from wms.simulation.supervisor import DeskRefused, Supervisor

pytestmark = pytest.mark.django_db


class Browser:
    """Django's client in the place of the simulation's; `loses` the answers to these paths once each."""

    def __init__(self, client: Client, loses: set[str]) -> None:
        self.client, self.loses = client, loses

    def get(self, path: str) -> Reply:
        return self._reply(self.client.get(path, follow=True))

    def post(self, path: str, fields: dict[str, str]) -> Reply:
        answer = self.client.post(path, fields, follow=True)
        if path in self.loses:
            self.loses.remove(path)
            return self.post(path, fields)
        return self._reply(answer)

    def _reply(self, answer: Any) -> Reply:
        return Reply(
            answer.status_code, {}, answer.content, answer.redirect_chain[-1][0] if answer.redirect_chain else answer.request["PATH_INFO"]
        )


def test_a_shop_whose_connecting_was_not_answered_is_connected(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    merchant, house = make.merchant(), make.warehouse()
    browser: Any = Browser(client, {"/desk/channels/connect"})
    supervisor = Supervisor(browser, house.code, faults=Faults(), chance=random.Random(1))
    shop = {"url": "http://127.0.0.1:9", "key": "ck_1", "secret": "cs_1"}

    # It goes on as far as asking the shop, which is not there.
    with pytest.raises(DeskRefused, match=r"^(webhooks|listings)"):
        supervisor.connect_shop(merchant=merchant.code, name="Shop of nobody", code="SHOP", **shop)

    assert list(Channel.objects.values_list("merchant", "name")) == [(merchant.pk, "Shop of nobody")]
    assert not browser.loses
    with pytest.raises(DeskRefused, match=r"^channel Another"):
        supervisor.connect_shop(merchant=merchant.code, name="Another", code="SHOP", **shop)
