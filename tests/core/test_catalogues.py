"""Every text that people see is in the catalogues, and the catalogues are complete."""

import ast
import importlib
import os
import pkgutil
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import models
from django.template.base import Lexer, TokenType
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.views.defaults import server_error

from inbound.models import Asn
from outbound.models import Order
from wms.core import catalogues
from wms.core.errors import WmsError
from wms.core.transitions import NotPossibleNow

# What a template may write as it is: names and units that are the same in every language.
SAME_EVERYWHERE = {"WMS", "mm", "kg", "g", "W", "PIN", "SSCC", "FNSKU", "PDF", "ZPL", "SHA-256"}
EXAMPLES = {"A..C-01..12-1..4", "https://shop.example"}
SEEN_ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-wait", "data-lost", "hx-confirm"}
BRACES, PER_CENT = re.compile(r"\{(\w*)[^{}]*\}"), re.compile(r"%\((\w+)\)([sd])")
LETTER = re.compile(r"[^\W\d_]")


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


def placeholders(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    return sorted(BRACES.findall(text)), sorted(PER_CENT.findall(text))


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_plural_form_of_the_language_is_there(language: str) -> None:
    forms = {"zh_Hans": [0], "es": [0, 1], "de": [0, 1]}[language]
    assert {tuple(entry.msgstr_plural) for entry in entries(language) if entry.msgid_plural} == {tuple(forms)}


# What people see goes through gettext.


class SeenText(HTMLParser):
    """Collects what of a page a person reads: text, and the attributes that are shown or read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.inside.append(tag)
        self.found += [value for name, value in attrs if name in SEEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


def seen_texts(source: str) -> list[str]:
    """The words of a template that stand outside its translation tags."""
    kept: list[str] = []
    skipping = ""
    for token in Lexer(source).tokenize():
        name = token.contents.split(" ", 1)[0] if token.token_type == TokenType.BLOCK else ""
        if skipping:
            skipping = "" if name == skipping else skipping
        elif name in ("blocktranslate", "blocktrans", "comment"):
            skipping = f"end{name}"
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
    parser = SeenText()
    parser.feed("".join(kept))
    parser.close()
    words = (word for text in parser.found if text not in EXAMPLES for word in re.split(r"[^\w'-]+", text))
    return [word for word in words if LETTER.search(word) and word not in SAME_EVERYWHERE]


def test_templates_have_no_text_outside_translation_tags() -> None:
    templates = [path for path in catalogues.source_files() if path.suffix == ".html"]
    assert len(templates) > 20
    assert {str(path.relative_to(catalogues.ROOT)): words for path in templates if (words := seen_texts(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ('<a title="Go">{% translate "Go" %}</a>', ["Go"]),
        ("{% blocktranslate %}Hello{% endblocktranslate %}<script>let x = 1</script> 3 mm", []),
        ('<b {% if x %}class="bad"{% endif %}>{{ x }} · ×</b>', []),
    ],
)
def test_the_check_of_templates_sees_plain_text(source: str, words: list[str]) -> None:
    assert seen_texts(source) == words


def every_error(kind: type[WmsError] = WmsError) -> Iterator[type[WmsError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


def test_messages_of_errors_are_translated() -> None:
    import_everything()
    errors = [error for error in every_error() if error.__module__.split(".")[0] in catalogues.PACKAGES]
    assert len(errors) > 30
    plain = [error for error in errors if not isinstance(error.message, Promise) and LETTER.search(BRACES.sub("", error.message))]
    assert plain == []


def import_everything() -> None:
    for package in catalogues.PACKAGES:
        for module in pkgutil.walk_packages([str(catalogues.ROOT / package)], f"{package}."):
            if not module.name.endswith(("settings", "wsgi", "__main__")):
                importlib.import_module(module.name)


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.split(".")[0] in catalogues.PACKAGES]


def test_labels_of_models_and_choices_are_translated() -> None:
    wrong = []
    for model in ours():
        given = model._meta.original_attrs.get("verbose_name")
        if given is not None and not isinstance(given, Promise):
            wrong.append(model._meta.label)
        for field in model._meta.fields:
            named = not field.auto_created and field.verbose_name != field.name.replace("_", " ")
            if named and field.verbose_name not in SAME_EVERYWHERE and not isinstance(field.verbose_name, Promise):
                wrong.append(str(field))
            said = [label for _value, label in field.flatchoices if not isinstance(label, Promise)]
            if any(LETTER.search(label) and label not in SAME_EVERYWHERE for label in said):
                wrong.append(f"{field} (choices)")
    assert wrong == []


def test_names_of_models_that_people_meet_are_translated() -> None:
    """Those that the administration shows, and those that an error names."""
    get_resolver().url_patterns  # noqa: B018 - the administration registers with its addresses
    met = {model for model in ours() if model in admin.site._registry}
    for path in catalogues.source_files():
        names = set(re.findall(r"\b([A-Z]\w+)\._meta\.verbose_name", path.read_text())) if path.suffix == ".py" else set()
        met |= {model for model in ours() if model.__name__ in names}
    assert len(met) > 8
    assert [model._meta.label for model in met if not isinstance(model._meta.original_attrs.get("verbose_name"), Promise)] == []


# Columns that no page shows.
HIDDEN = {
    "badge_hash", "pin_hash", "content_hash", "key_hash", "credentials", "webhook_secret", "order_cursor", "raw", "orders_since",
    "busy_since", "failures", "quiet_until",
}  # fmt: skip


def test_fields_that_the_administration_shows_have_translated_names() -> None:
    get_resolver().url_patterns  # noqa: B018 - the administration registers with its addresses
    shown = {model for model in ours() if model in admin.site._registry}
    shown |= {inline.model for model in list(shown) for inline in admin.site._registry[model].inlines}
    assert len(shown) > 15
    plain = [
        str(field)
        for model in shown
        for field in model._meta.fields
        if field.editable and not field.auto_created and field.name not in HIDDEN and field.verbose_name not in SAME_EVERYWHERE
        if not isinstance(field.verbose_name, Promise)
    ]
    assert sorted(plain) == []


# Which argument of a call, or which key of a dictionary, a person will read.
READ_ARGUMENTS = {
    "field_error": 1, "done": 1, "success": 1, "warning": 1, "error": 1, "Button": 1, "ok": 0, "ask": 1, "ValidationError": 0, "problem": 1,
}  # fmt: skip
READ_NAMES = {"message", "label", "title", "do", "note", "help_text", "short_description", "description", "verbose_name"}
# These speak to operators and to programs, in English, or name papers and show samples, which are the same everywhere.
NOT_READ = (
    "wms/servers/", "wms/simulation/", "wms/benchmark/", "wms/cli.py", "/management/", "/adapters/", "wms/api.py", "labels/agent/",
    "labels/media.py", "labels/samples.py",
)  # fmt: skip


def untranslated(source: str, name: str) -> Iterator[str]:
    """Plain texts where a person will read them."""
    for node in ast.walk(ast.parse(source)):
        read: list[ast.expr] = []
        if isinstance(node, ast.Dict):
            keyed = zip(node.keys, node.values, strict=True)
            read = [value for key, value in keyed if isinstance(key, ast.Constant) and key.value in ("message", "label")]
        elif isinstance(node, ast.Call):
            owner = ast.unparse(node.func)
            called = owner.rsplit(".", 1)[-1]
            position = READ_ARGUMENTS.get(called)
            if position is not None and len(node.args) > position and not owner.startswith(("log", "self.stdout")):
                read.append(node.args[position])
            read += [keyword.value for keyword in node.keywords if keyword.arg in READ_NAMES]
        for value in read:
            if plain := plain_text(value):
                yield f"{name}:{value.lineno}: {plain}"


def plain_text(value: ast.expr) -> str:
    """The letters that an expression itself writes: of a literal or of an f-string's fixed parts."""
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    text = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return text if LETTER.search(text) and text not in SAME_EVERYWHERE else ""


def test_texts_that_python_shows_are_translated() -> None:
    found: list[str] = []
    for path in catalogues.source_files():
        name = path.relative_to(catalogues.ROOT).as_posix()
        if path.suffix == ".py" and not any(part in name for part in NOT_READ):
            found += untranslated(path.read_text(), name)
    assert found == []


def test_the_check_of_python_sees_plain_text() -> None:
    source = """x = {"path": [], "message": f"at most {n}"}
Button("stop", "Stop")
field_error("a", _("fine"))
Screen(do=_("fine"), title="Bad")"""
    assert [line.split(": ")[1] for line in untranslated(source, "x.py")] == ["at most ", "Stop", "Bad"]


# The mechanism.


@pytest.fixture
def small_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogues, "LOCALE", tmp_path / "locale")
    (tmp_path / "wms").mkdir()
    return tmp_path


def write(house: Path, name: str, source: str) -> None:
    (house / "wms" / name).write_text(source, encoding="utf-8")


def test_texts_are_found_in_python_and_templates(small_house: Path) -> None:
    write(
        small_house, "a.py", '_("one " "text")\nngettext("%(n)d bin", "%(n)d bins", n)\npgettext_lazy("order", "short")\nfor _ in x: pass'
    )
    write(
        small_house,
        "b.html",
        """{% translate "It's here" %}{% translate 'Say "go"' %}{% include "x" with a=_("passed") %}{{ x|default:_("none") }}
        {% blocktranslate count n=bins trimmed %}
            {{ n }} bin
        {% plural %}
            {{ n }} bins
        {% endblocktranslate %}{% blocktranslate %}100% of {{ x }}{% endblocktranslate %}{# translate "no" #}<p>_("plain")</p>""",
    )
    found = {(message.context, message.text, message.plural) for message in catalogues.extract(small_house).values()}
    assert found == {
        ("", "one text", ""), ("", "%(n)d bin", "%(n)d bins"), ("order", "short", ""),
        ("", "It's here", ""), ("", 'Say "go"', ""), ("", "passed", ""), ("", "none", ""),
        ("", "%(n)s bin", "%(n)s bins"), ("", "100%% of %(x)s", ""),
    }  # fmt: skip


def test_a_text_made_at_run_time_is_refused(small_house: Path) -> None:
    write(small_house, "a.py", 'x = 1\n_(f"{x} bins")')
    with pytest.raises(catalogues.NotALiteral, match=r"wms/a\.py:2: "):
        catalogues.extract(small_house)


def test_updating_keeps_translations_and_drops_what_is_gone(small_house: Path) -> None:
    write(small_house, "a.py", '_("stays")\n_("goes")\nngettext("%(n)d bin", "%(n)d bins", n)')
    assert catalogues.update("zh_Hans", catalogues.extract(small_house).values()) == (3, 0)
    catalogue = catalogues.load("zh_Hans")
    for entry in catalogue:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: "%(n)d 个库位"}
        else:
            entry.msgstr = f"中 {entry.msgid}"
    catalogue.save(str(catalogues.catalogue_path("zh_Hans")))
    write(small_house, "a.py", '_("stays")\n_("comes")\nngettext("%(n)d bin", "%(n)d bins", n)')
    messages = catalogues.extract(small_house)
    assert catalogues.update("zh_Hans", messages.values()) == (1, 1)
    said = {entry.msgid: entry.msgstr_plural or entry.msgstr for entry in entries("zh_Hans")}
    assert said == {"stays": "中 stays", "comes": "", "%(n)d bin": {0: "%(n)d 个库位"}}
    before = catalogues.catalogue_path("zh_Hans").read_bytes()
    catalogues.update("zh_Hans", messages.values())
    assert catalogues.catalogue_path("zh_Hans").read_bytes() == before


def test_only_changed_catalogues_are_compiled(small_house: Path) -> None:
    write(small_house, "a.py", '_("one")')
    for language in ("zh_Hans", "de"):
        catalogues.update(language, catalogues.extract(small_house).values())
    assert catalogues.compile_all() == ["zh_Hans", "de"]
    assert catalogues.compile_all() == []
    path = catalogues.catalogue_path("de")
    later = path.with_suffix(".mo").stat().st_mtime_ns + 1
    os.utime(path, ns=(later, later))
    assert catalogues.compile_all() == ["de"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["django.mo", "django.po"]


def test_a_catalogue_that_cannot_be_written_is_said(small_house: Path) -> None:
    write(small_house, "a.py", '_("one")')
    catalogues.update("de", catalogues.extract(small_house).values())
    path = catalogues.catalogue_path("de")
    path.with_suffix(".mo").mkdir()
    later = path.with_suffix(".mo").stat().st_mtime_ns + 1
    os.utime(path, ns=(later, later))
    with pytest.raises(CommandError, match="could not be written"):
        call_command("messages", compile=True)
    assert sorted(file.name for file in path.parent.iterdir()) == ["django.mo", "django.po"]


def test_people_read_their_language() -> None:
    with translation.override("zh-hans"):
        assert gettext("Put away") == "上架"
        assert ngettext("%(count)d bin made.", "%(count)d bins made.", 1) % {"count": 1} == "已新建 1 个库位。"
        assert ngettext("%(count)d bin made.", "%(count)d bins made.", 5) % {"count": 5} == "已新建 5 个库位。"


def test_a_refusal_names_states_as_people_know_them() -> None:
    with translation.override("zh-hans"):
        refusal = NotPossibleNow.of(Asn, key="A-1", status="put_away", to="received")
        assert str(refusal) == "入库单 A-1 当前为“已上架”，不能变为“已收货”。"
        assert refusal.details["status"] == "put_away"
        order = NotPossibleNow.of(Order, key="O-1", status="?", to="received")
        assert str(order) == "订单 O-1 当前为“?”，不能变为“已接单”。"


@pytest.mark.django_db
def test_the_browser_chooses_the_language() -> None:
    page = Client().get("/sign-in", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert '<html lang="zh-hans">' in page.text
    assert "登录" in page.text
    assert "Sign in" not in page.text


def test_a_failed_page_speaks_the_language() -> None:
    with translation.override("zh-hans"):
        page = server_error(RequestFactory().get("/desk"))
    assert page.status_code == 500
    assert "系统出错，已记录；请稍后再试。" in page.content.decode()
