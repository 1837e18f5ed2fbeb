import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def replaced() -> dict[tuple[str, str], list[tuple[str, str]]]:
    return {key: list(migration.replaces) for key, migration in MigrationLoader(None).replacements.items()}


def recorded() -> set[tuple[str, str]]:
    return set(MigrationRecorder(connection).applied_migrations())


def forget(*names: tuple[str, str]) -> None:
    for name in names:
        MigrationRecorder(connection).record_unapplied(*name)


def everything_called_for() -> set[str]:
    """The names of all indexes and constraints that models ask for."""
    models = [model._meta for model in apps.get_models()]
    return {part.name for meta in models for part in (*meta.indexes, *meta.constraints)}


def test_whatever_models_call_for_is_in_the_database() -> None:
    """A field whose index goes away can take along a constraint that looks like it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace "
            "UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        )
        there = {name for (name,) in cursor.fetchall()}
    assert everything_called_for() - there == set()


def test_a_database_that_has_all_the_old_migrations_goes_on() -> None:
    """One from before knows the old names, and of the new ones those that are old ones too."""
    forget(("labels", "0001_initial"))
    call_command("migrate", verbosity=0)
    assert ("labels", "0001_initial") in recorded()
    assert {name for names in replaced().values() for name in names} <= recorded()


@pytest.mark.parametrize("squashed", sorted(replaced()), ids=".".join)
def test_a_database_that_lacks_the_last_old_migration_is_refused(squashed: tuple[str, str]) -> None:
    last = replaced()[squashed][-1]
    forget(last)
    before = recorded()
    with pytest.raises(CommandError, match=rf"it lacks {'.'.join(last)} and what followed\. Nothing was changed"):
        call_command("migrate", verbosity=0)
    assert recorded() == before


def test_a_database_that_has_only_the_first_of_them_is_refused() -> None:
    """The first one has the name that all of them together have today."""
    forget(*replaced()["webhooks", "0001_initial"])
    assert ("webhooks", "0001_initial") in recorded()
    with pytest.raises(CommandError, match=r"it lacks webhooks\.0002_test_messages and what followed"):
        call_command("migrate", verbosity=0)
