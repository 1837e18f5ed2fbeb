"""A thread's own connection to the broker."""

import os
import threading

import pytest
from django.conf import settings

from wms.core import valkey

KEY = "wms:test:asked"


@pytest.fixture
def store():
    found = valkey.client()
    if found is None:
        pytest.skip(f"{settings.BROKER_URL} keeps no flags")
    found.delete(KEY)
    yield found
    found.delete(KEY)


def number(store):
    return valkey.execute(store, "CLIENT", "ID")


def test_it_answers_as_the_client_does(store):
    assert valkey.execute(store, "SET", KEY, 1, "NX", "PX", 60_000)
    assert valkey.execute(store, "SET", KEY, 2, "NX", "PX", 60_000) is None
    assert (store.get(KEY), 0 < store.pttl(KEY) <= 60_000) == (b"1", True)


def test_a_thread_keeps_its_connection_and_shares_it_with_no_other(store):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(number(store)))
    thread.start()
    thread.join()
    assert number(store) == number(store) != seen[0]


def test_threads_may_come_and_go_for_ever(store):
    seen = []
    for _number in range(store.connection_pool.max_connections + 1):
        thread = threading.Thread(target=lambda: seen.append(number(store)))
        thread.start()
        thread.join()
    assert len(seen) == len(set(seen)) == store.connection_pool.max_connections + 1


def test_one_that_the_server_closed_is_made_anew(store):
    before = number(store)
    assert store.execute_command("CLIENT", "KILL", "ID", before) == 1
    assert number(store) > before


def test_a_child_leaves_its_parents_connection_alone(store):
    before = number(store)
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if number(store) != before else 1
        finally:
            os._exit(code)  # whatever happens: it must not go on as a second runner of tests
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert number(store) == before
