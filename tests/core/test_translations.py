"""The catalogues have every text, complete, with its placeholders and plurals."""

import re

import polib
import pytest

from wms.core import catalogues


@pytest.fixture(scope="module")
def messages() -> dict[tuple[str, str], catalogues.Message]:
    return catalogues.extract()


def entries(language: str) -> list[polib.POEntry]:
    return [entry for entry in catalogues.load(language) if not entry.obsolete]


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_catalogues_have_exactly_the_texts_of_the_sources(language: str, messages: dict[tuple[str, str], catalogues.Message]) -> None:
    """Where this fails: `wms messages`, then translate what is new."""
    have = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural) for entry in entries(language)}
    want = {(message.context, message.text, message.plural) for message in messages.values()}
    assert sorted(want - have) == [], "run `wms messages`"
    assert sorted(have - want) == [], "run `wms messages`"


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_the_catalogue_is_complete(language: str) -> None:
    missing = [
        entry.msgid
        for entry in entries(language)
        if entry.fuzzy or not all(text.strip() for text in (entry.msgstr_plural or {0: entry.msgstr}).values())
    ]
    assert missing == []


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_translations_have_the_placeholders_of_their_texts(language: str) -> None:
    wrong = []
    for entry in entries(language):
        for form, text in (entry.msgstr_plural or {0: entry.msgstr}).items():
            original = entry.msgid if form == 0 and len(entry.msgstr_plural) != 1 else entry.msgid_plural or entry.msgid
            if text and placeholders(text) != placeholders(original):
                wrong.append((entry.msgid, text))
    assert wrong == []


BRACES, PER_CENT = re.compile(r"\{(\w*)[^{}]*\}"), re.compile(r"%\((\w+)\)([sd])")


def placeholders(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    return sorted(BRACES.findall(text)), sorted(PER_CENT.findall(text))


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_plural_form_of_the_language_is_there(language: str) -> None:
    forms = {"zh_Hans": [0], "es": [0, 1], "de": [0, 1]}[language]
    assert {tuple(entry.msgstr_plural) for entry in entries(language) if entry.msgid_plural} == {tuple(forms)}
