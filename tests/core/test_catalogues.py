"""Texts are gathered from the sources, catalogues updated and compiled, and people read their language."""

import os
from pathlib import Path

import polib
import pytest
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext, ngettext
from django.views.defaults import server_error

from inbound.models import Asn
from outbound.models import Order
from wms.core import catalogues
from wms.core.transitions import NotPossibleNow


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
    said = {entry.msgid: entry.msgstr_plural or entry.msgstr for entry in polib.pofile(str(catalogues.catalogue_path("zh_Hans")))}
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
