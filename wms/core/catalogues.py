"""The message catalogues (locale/<language>/LC_MESSAGES/django.po), without a system gettext: read from the sources, and compiled.

Templates are read through Django's own `templatize`, Python through `ast`. A catalogue is sorted and names no lines, so that it changes
only where a text does.
"""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent.parent
LOCALE = ROOT / "locale"
PACKAGES = ("wms", "inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks")
# The source is English: its catalogue would say everything twice.
LANGUAGES = {
    "zh_Hans": "nplurals=1; plural=0;",
    "es": "nplurals=2; plural=(n != 1);",
    "de": "nplurals=2; plural=(n != 1);",
}

# What a call means: the positions of its context, singular and plural (None: it has none).
_SIMPLE, _PLURAL = (None, 0, None), (None, 0, 1)
_CONTEXT, _CONTEXT_PLURAL = (0, 1, None), (0, 1, 2)
CALLS: dict[str, tuple[int | None, int, int | None]] = {
    "_": _SIMPLE, "gettext": _SIMPLE, "gettext_lazy": _SIMPLE, "gettext_noop": _SIMPLE,
    "ngettext": _PLURAL, "ngettext_lazy": _PLURAL,
    "pgettext": _CONTEXT, "pgettext_lazy": _CONTEXT,
    "npgettext": _CONTEXT_PLURAL, "npgettext_lazy": _CONTEXT_PLURAL,
}  # fmt: skip

# `templatize` writes calls with literals into a text that is no Python: these find them.
_LITERAL = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_TEMPLATE_CALL = re.compile(
    rf"(?<![\w.])(_|gettext|ngettext|pgettext|npgettext)\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL})?(?:\s*,\s*{_LITERAL})?"
)


class NotALiteral(Exception):
    """A text is made at run time, so that no catalogue can hold it. The message names the file and the line."""


@dataclass
class Message:
    """One text of the sources. `context` and `plural` are "" where it has none; `files` are relative to the repository."""

    text: str
    context: str = ""
    plural: str = ""
    files: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str]:
        return (self.context, self.text)


def extract(root: Path = ROOT) -> dict[tuple[str, str], Message]:
    """Every text of the sources by (context, text). Raises NotALiteral, and ValueError where one text has two plurals."""
    found: dict[tuple[str, str], Message] = {}
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        read = _of_template if path.suffix == ".html" else _of_python
        for message in read(path.read_text(encoding="utf-8"), name):
            known = found.setdefault(message.key, message)
            if known.plural and message.plural and known.plural != message.plural:
                raise ValueError(f"{name}: {message.text!r} has the plural {known.plural!r} elsewhere")
            known.plural = known.plural or message.plural
            known.files.add(name)
    return found


def source_files(root: Path = ROOT) -> Iterator[Path]:
    for package in PACKAGES:
        for suffix in ("*.py", "*.html"):
            yield from (path for path in sorted((root / package).rglob(suffix)) if "migrations" not in path.parts)


def _of_template(source: str, name: str) -> Iterator[Message]:
    from django.utils.translation.template import templatize

    for call in _TEMPLATE_CALL.finditer(templatize(source, origin=name)):
        literals = [str(ast.literal_eval(literal)) for literal in call.groups()[1:] if literal]
        yield _message(CALLS[call[1]], literals)


def _of_python(source: str, name: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source, filename=name)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called not in CALLS:
            continue
        positions = CALLS[called]
        literals = []
        for argument in node.args[: 1 + max(position for position in positions if position is not None)]:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                raise NotALiteral(f"{name}:{node.lineno}: {called}() is given something that is no plain text")
            literals.append(argument.value)
        yield _message(positions, literals)


def _message(positions: tuple[int | None, int, int | None], literals: list[str]) -> Message:
    context, text, plural = ("" if position is None else literals[position] for position in positions)
    return Message(text, context, plural)


def catalogue_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def load(language: str) -> polib.POFile:
    """The language's catalogue; an empty one where there is none yet."""
    path = catalogue_path(language)
    catalogue = polib.pofile(str(path), encoding="utf-8") if path.exists() else polib.POFile(encoding="utf-8")
    catalogue.wrapwidth = 140
    catalogue.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": LANGUAGES[language],
    }
    return catalogue


def update(language: str, messages: Iterable[Message]) -> tuple[int, int]:
    """Bring the language's catalogue to the sources, keeping its translations. Returns the numbers of new and of dropped texts."""
    old = load(language)
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in old if not entry.obsolete}
    fresh = polib.POFile(encoding="utf-8", wrapwidth=140)
    fresh.metadata = old.metadata
    new = 0
    for message in sorted(messages, key=lambda message: (message.text, message.context)):
        entry = known.pop(message.key, None)
        new += entry is None
        fresh.append(_entry(language, message, entry))
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, str(fresh).encode())
    return new, len(known)


def _entry(language: str, message: Message, old: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(msgid=message.text, msgctxt=message.context or None, occurrences=[(name, "") for name in sorted(message.files)])
    if old is not None:
        entry.comment, entry.tcomment, entry.flags = old.comment, old.tcomment, [flag for flag in old.flags if flag == "fuzzy"]
    if message.plural:
        entry.msgid_plural = message.plural
        forms = int(LANGUAGES[language].split(";", 1)[0].removeprefix("nplurals="))
        said = dict(old.msgstr_plural) if old is not None else {}
        if old is not None and old.msgstr:
            said = dict.fromkeys(range(forms), old.msgstr)
        entry.msgstr_plural = {form: said.get(form, "") for form in range(forms)}
    elif old is not None:
        entry.msgstr = old.msgstr or next(iter(old.msgstr_plural.values()), "")
    return entry


def compile_all() -> list[str]:
    """Compile each catalogue whose compiled file is missing or of another time than its source. Returns the languages that were written."""
    written = []
    for language in LANGUAGES:
        path = catalogue_path(language)
        compiled = path.with_suffix(".mo")
        if not path.exists():
            continue
        changed = path.stat().st_mtime_ns
        if not compiled.exists() or compiled.stat().st_mtime_ns != changed:
            _write(compiled, polib.pofile(str(path), encoding="utf-8").to_binary(), changed)
            written.append(language)
    return written


def _write(path: Path, content: bytes, changed: int | None = None) -> None:
    """Whole or not at all: others may be reading it. `changed` is the time that the file gets, in nanoseconds."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        if changed is not None:
            os.utime(name, ns=(changed, changed))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
