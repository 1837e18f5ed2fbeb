"""Logos: black and white dots of the right size, and a typed error for what is no picture."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageDraw

from labels import pictures
from labels.pictures import NotAPicture, PictureTooLarge, black_and_white
from labels.sheet import Box, Sheet, Size
from tests.labels import reading


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def logo(size: tuple[int, int] = (160, 80)) -> Image.Image:
    """A black ring and a black bar on a ground that is transparent."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, size[1] - 5, size[1] - 5), outline="black", width=9)
    draw.rectangle((size[1] + 3, 11, size[0] - 6, 30), fill="black")
    return image


def rows(picture: pictures.Picture) -> list[str]:
    """Each row as a string of # and ."""
    found = []
    for place in range(0, len(picture.dots), picture.row_bytes):
        bits = "".join(f"{byte:08b}" for byte in picture.dots[place : place + picture.row_bytes])
        found.append(bits[: picture.width].replace("1", "#").replace("0", "."))
    return found


def test_dots_are_the_dark_pixels() -> None:
    image = Image.new("L", (10, 2), 200)
    for x, shade in [(0, 0), (3, 127), (4, 128), (9, 90)]:
        image.putpixel((x, 0), shade)
    picture = black_and_white(file_of(image), 10, 2)
    assert (picture.width, picture.height, picture.row_bytes) == (10, 2, 2)
    assert rows(picture) == ["#..#.....#", ".........."]


def test_transparent_parts_are_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    assert rows(black_and_white(file_of(image), 2, 1)) == [".#"]


def test_a_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.putpixel((1, 0), 1)
    assert rows(black_and_white(file_of(image, transparency=0), 2, 1)) == [".#"]


@pytest.mark.parametrize(("room", "size"), [((80, 80), (80, 40)), ((400, 100), (200, 100)), ((160, 80), (160, 80)), ((3, 3), (3, 2))])
def test_it_keeps_its_proportions(room: tuple[int, int], size: tuple[int, int]) -> None:
    picture = black_and_white(file_of(logo()), *room)
    assert (picture.width, picture.height) == size
    assert len(picture.dots) == picture.row_bytes * picture.height


def test_a_photo_of_a_phone_stands_upright() -> None:
    image = Image.new("L", (40, 20), 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert black_and_white(file_of(image, "JPEG", exif=exif), 20, 40).height == 40


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", file_of(logo())[:-40], file_of(logo())[:20], file_of(logo().convert("RGB"), "GIF"), b"%PDF-1.4", b"<svg></svg>"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        pictures.checked(content)
    with pytest.raises(NotAPicture):
        black_and_white(content, 10, 10)


def test_a_picture_of_too_many_pixels_is_refused_unread() -> None:
    bomb = file_of(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    with pytest.raises(PictureTooLarge):
        pictures.checked(bomb)


def test_a_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(PictureTooLarge):
        pictures.checked(file_of(logo()) + b"x" * pictures.MOST_BYTES)


def test_the_size_of_a_good_one() -> None:
    assert pictures.checked(file_of(logo())) == (160, 80)


SMALL = Size(57, 32)


@dataclass(frozen=True)
class Branded:
    content: bytes
    size: Size = SMALL

    def draw(self, sheet: Sheet) -> None:
        sheet.picture(Box(10, 5, 20, 20), self.content)


@pytest.mark.parametrize("dpi", [203, 300])
def test_every_dot_of_a_picture_is_where_it_belongs_in_the_pdf(dpi: int) -> None:
    content = file_of(logo())
    (image,) = reading.pages([Branded(content)], dpi)
    side = round(30 / 25.4 * dpi) - round(10 / 25.4 * dpi)
    picture = black_and_white(content, side, side)
    left, top = round(10 / 25.4 * dpi), round(5 / 25.4 * dpi) + (side - picture.height) // 2
    area = image.crop((left, top, left + picture.width, top + picture.height))
    wrong = sum((grey < 128) != (dot == "#") for grey, dot in zip(area.tobytes(), "".join(rows(picture)), strict=True))
    assert wrong == 0
    whole = sum(grey < 128 for grey in image.tobytes())
    assert whole == "".join(rows(picture)).count("#"), "no ink outside"
