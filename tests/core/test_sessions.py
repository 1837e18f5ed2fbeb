"""Sessions are Django's own, read in one statement without a query set."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from wms.core.sessions import SessionStore

pytestmark = pytest.mark.django_db


def kept(**content: object) -> str:
    """The key of a session that Django's own store wrote."""
    store = db.SessionStore()
    store.update(content)
    store.create()
    assert store.session_key is not None
    return store.session_key


def test_what_was_kept_is_read_in_one_statement(django_assert_num_queries):
    key = kept(floor_warehouse=7)
    with django_assert_num_queries(1):
        store = SessionStore(key)
        assert (store["floor_warehouse"], store.get("nothing"), store.session_key) == (7, None, key)


def test_a_session_that_ended_or_never_was_is_empty_and_its_key_is_not_taken_over():
    ended = kept(floor_warehouse=7)
    Session.objects.filter(pk=ended).update(expire_date=timezone.now() - timedelta(seconds=1))
    for key in (ended, "madeupbysomebodyelse"):
        store = SessionStore(key)
        assert (dict(store.items()), store.session_key) == ({}, None)
        store["floor_warehouse"] = 8
        store.save()
        assert store.session_key not in (None, key)
    assert db.SessionStore(ended).load() == {}


def test_content_that_was_tampered_with_counts_for_nothing():
    key = kept(floor_warehouse=7)
    Session.objects.filter(pk=key).update(session_data="eyJmbG9vcl93YXJlaG91c2UiOjl9:1abcde:AAAA")
    assert SessionStore(key).load() == {}
