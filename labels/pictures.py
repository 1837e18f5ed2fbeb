"""Pictures as a label printer prints them: a merchant's logo in black and white dots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Final

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from wms.core.errors import WmsError

FORMATS: Final = ("PNG", "JPEG")
MOST_BYTES: Final = 2_000_000
MOST_PIXELS: Final = 16_000_000
_BLACK_BELOW: Final = 128


class NotAPicture(WmsError):
    code, message = "not_a_picture", _("This file is not a PNG or JPEG picture.")


class PictureTooLarge(WmsError):
    code, message = "picture_too_large", _("The picture is too large: at most {bytes} bytes and {pixels} pixels.")


@dataclass(frozen=True, slots=True)
class Picture:
    """Dots from the top left, one bit each, 1 for black; every row begins with a new byte."""

    width: int
    height: int
    dots: bytes

    @property
    def row_bytes(self) -> int:
        return -(-self.width // 8)


def checked(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a picture that labels can print. Raises NotAPicture or PictureTooLarge."""
    with _opened(content) as image:
        return image.size


def _opened(content: bytes) -> Image.Image:
    """The whole file was read: a cut-off one is refused here, not at the printer."""
    if len(content) > MOST_BYTES:
        raise PictureTooLarge(bytes=MOST_BYTES, pixels=MOST_PIXELS)
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
        # Told by the header, before any memory is taken for the pixels.
        if image.width * image.height > MOST_PIXELS:
            raise PictureTooLarge(bytes=MOST_BYTES, pixels=MOST_PIXELS)
        image.load()
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(bytes=MOST_BYTES, pixels=MOST_PIXELS) from error
    # Pillow's readers raise any of these on a damaged file.
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAPicture from error
    return image


@lru_cache(maxsize=64)
def black_and_white(content: bytes, width: int, height: int) -> Picture:
    """A PNG or JPEG scaled to fit into `width` x `height` dots, its proportions kept; transparent parts are white.

    Raises NotAPicture or PictureTooLarge.
    """
    with _opened(content) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")
    paper.alpha_composite(upright)
    scale = min(width / paper.width, height / paper.height)
    size = (max(1, round(paper.width * scale)), max(1, round(paper.height * scale)))
    grey = paper.convert("L").resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
    # In Pillow's one-bit pictures a set bit is white.
    return Picture(*size, grey.point(lambda shade: 255 if shade < _BLACK_BELOW else 0).convert("1", dither=Image.Dither.NONE).tobytes())
