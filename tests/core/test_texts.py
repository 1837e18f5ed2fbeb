"""Whatever people read goes through gettext: templates, errors, models, fields, pages."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.template.base import Lexer, TokenType
from django.urls import get_resolver
from django.utils.functional import Promise

from wms.core import catalogues
from wms.core.errors import WmsError

# What a template may write as it is: names and units that are the same in every language.
SAME_EVERYWHERE = {"WMS", "mm", "kg", "g", "W", "PIN", "SSCC", "FNSKU", "PDF", "ZPL", "SHA-256"}


EXAMPLES = {"A..C-01..12-1..4", "https://shop.example"}


SEEN_ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-wait", "data-lost", "hx-confirm"}


LETTER = re.compile(r"[^\W\d_]")


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
    plain = [error for error in errors if not isinstance(error.message, Promise) and LETTER.search(re.sub(r"{.*?}", "", error.message))]
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
    "field_error": 1, "done": 1, "warned": 1, "success": 1, "warning": 1, "error": 1, "Button": 1, "ok": 0, "ask": 1, "ValidationError": 0, "problem": 1,
}  # fmt: skip


READ_NAMES = {"message", "label", "title", "do", "note", "help_text", "short_description", "description", "verbose_name"}


# These speak to operators and to programs, in English, or name papers and show samples, which are the same everywhere.
NOT_READ = (
    "wms/servers/", "wms/simulation/", "wms/benchmark/", "wms/cli.py", "/management/", "/adapters/", "wms/api.py", "labels/agent/",
    "wms/core/api/document.py", "/api/shapes.py", "/api/order_shapes.py", "labels/media.py", "labels/samples.py",
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
