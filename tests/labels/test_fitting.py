import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels import fonts
from labels.fitting import ELLIPSIS, fit, printable

NAME = "机械键盘 87键 RGB背光 Mechanical keyboard, hot-swap, Größe XL, edición española"


def test_short_text_keeps_the_largest_size() -> None:
    assert fit("Abc", 1000, 50, 20, 10) == (20, ("Abc",))


def test_one_line_shrinks_before_it_is_cut() -> None:
    fitted = fit(NAME, fonts.width_em(NAME) * 12, 50, 20, 10)
    assert fitted.lines == (NAME,)
    assert fitted.size == pytest.approx(12)


def test_one_line_is_cut_with_an_ellipsis_at_the_least_size() -> None:
    fitted = fit(NAME, fonts.width_em(NAME) * 5, 50, 20, 10)
    assert fitted.size == 10
    (line,) = fitted.lines
    assert line.endswith(ELLIPSIS)
    assert NAME.startswith(line.removesuffix(ELLIPSIS))
    assert len(line) > len(NAME) * 0.4


def test_lines_break_between_words_and_between_ideographs() -> None:
    fitted = fit("高品质不锈钢保温杯，大容量 Stainless bottle", 100, 100, 10, 10, lines=4)
    assert "".join(fitted.lines).replace(" ", "") == "高品质不锈钢保温杯，大容量Stainlessbottle"
    assert not any(line.startswith("，") for line in fitted.lines)
    assert fitted.lines == ("高品质不锈钢保温杯，", "大容量 Stainless", "bottle")


def test_too_many_lines_end_with_an_ellipsis() -> None:
    fitted = fit(NAME * 3, 100, 40, 10, 8, lines=2)
    assert len(fitted.lines) == 2
    assert fitted.lines[-1].endswith(ELLIPSIS)


@given(st.text(max_size=120), st.floats(8, 400), st.floats(12, 90), st.integers(1, 4))
def test_nothing_ever_stands_out_of_the_box(text: str, width: float, height: float, lines: int) -> None:
    fitted = fit(text, width, height, 30, 5, lines)
    assert len(fitted.lines) <= lines
    assert fitted.height <= height + 0.01 or len(fitted.lines) <= 1
    for line in fitted.lines:
        assert fonts.width_em(line) * fitted.size <= width + 0.01 or len(line) == 1
        assert all(fonts.has_glyph(character) for character in line)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x00b\x1b[31m", "ab[31m"), ("line\r\nbreak\ttab", "line break tab"), ("\u202eevil\u2066", "evil"), ("e\u0301", "é"),
        ("❤\ufe0f 😀", "? ?"), ("\ud800x", "x"), ("  a  b ", "a b"), ("保温杯", "保温杯"), ("Straße Ñandú €", "Straße Ñandú €"), ("", ""),
    ],
)  # fmt: skip
def test_printable(raw: str, shown: str) -> None:
    assert printable(raw) == shown
