"""A picture as far as it can be known without a model: its size, its colours, its pixels."""

import base64
import binascii
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.offline.errors import bad_request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MAX_PIXELS = 40_000_000
MAX_SHOWN_PIXELS = 3_000_000  # what is read from: small print stays sharp, memory bounded
MAX_SIDE = 4_000
LONG = 2.5
MAX_LONG_PIXELS = 12_000_000
MAX_LONG_SIDE = 12_000
"""A picture so many times as long as wide is read in tiles (senses/tiles.py), so more is taken."""

_TOO_LARGE = "The picture has more than 40 million pixels."

# Names people use, at the places where they use them.
NAMED_COLOURS = {
    "black": (0, 0, 0), "dark grey": (70, 70, 70), "grey": (128, 128, 128),
    "light grey": (200, 200, 200), "white": (255, 255, 255), "red": (220, 30, 30),
    "dark red": (130, 10, 20), "pink": (245, 160, 185), "orange": (245, 140, 20),
    "brown": (120, 75, 40), "beige": (225, 205, 170), "yellow": (245, 225, 50),
    "olive": (125, 125, 40), "green": (40, 160, 60), "dark green": (15, 80, 35),
    "light green": (150, 225, 150), "teal": (0, 125, 125), "cyan": (60, 210, 225),
    "light blue": (150, 195, 240), "blue": (35, 90, 220), "navy": (15, 25, 95),
    "purple": (120, 50, 165), "lilac": (195, 165, 225), "magenta": (215, 40, 160),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """`width` and `height` are its own, upright; `pixels` is RGB of the size to read from."""

    width: int
    height: int
    format: str
    colours: tuple[str, ...]
    shown_width: int
    shown_height: int
    pixels: bytes

    @property
    def orientation(self) -> str:
        if self.width == self.height:
            return "square"
        return "landscape" if self.width > self.height else "portrait"


def from_data_uri(uri: str) -> Picture:
    """Decode `data:image/png;base64,…`. Raises ApiError for anything but a picture we can open."""
    if not uri.startswith("data:"):
        raise bad_request("The offline engine opens no addresses: send the picture as a data URI.")
    _, _, encoded = uri.partition(";base64,")
    try:
        return opened(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        raise bad_request("The picture's data URI is not valid base64.") from None


def opened(data: bytes) -> Picture:
    """Raises ApiError unless it is a PNG, JPEG, GIF or WebP of at most 40 megapixels."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    # Pillow only warns of some that are far beyond our own limit.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        # The declared size is checked before a single pixel is decoded.
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            kind = image.format or ""
            if image.width * image.height > MAX_PIXELS:
                raise bad_request(_TOO_LARGE)
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise bad_request(_TOO_LARGE) from None
    except UnidentifiedImageError:
        raise bad_request(
            "This is no picture that can be opened: send PNG, JPEG, GIF or WebP."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise bad_request("The picture is damaged and cannot be opened.") from None
    width, height = upright.size
    scale = _scale(width, height)
    if scale < 1:
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        upright = upright.resize(smaller, reducing_gap=2.0)
    shown = Image.new("RGBA", upright.size, "white")
    shown.alpha_composite(upright)
    shown = shown.convert("RGB")
    thumbnail = shown.resize((48, 48)).tobytes()
    return Picture(
        width, height, kind, main_colours(thumbnail), shown.width, shown.height, shown.tobytes()
    )


def _scale(width: int, height: int) -> float:
    """How much smaller it is read."""
    long = max(width, height) >= LONG * min(width, height)
    side, pixels = (MAX_LONG_SIDE, MAX_LONG_PIXELS) if long else (MAX_SIDE, MAX_SHOWN_PIXELS)
    share: float = (pixels / (width * height)) ** 0.5
    return min(1.0, side / max(width, height), share)


def main_colours(rgb: bytes) -> tuple[str, ...]:
    """Names of the three most frequent colours at most, none of them rare; `rgb` is 3 bytes a pixel."""
    import numpy as np

    names = list(NAMED_COLOURS)
    palette = _lab(np.array([NAMED_COLOURS[name] for name in names], dtype=np.float64))
    pixels = _lab(np.frombuffer(rgb, np.uint8).reshape(-1, 3).astype(np.float64))
    nearest = ((pixels[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names))
    ranked = sorted(range(len(names)), key=lambda i: -counts[i])[:3]
    return tuple(names[i] for i in ranked if counts[i] >= 0.06 * len(pixels))


def _lab(rgb: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """CIE L*a*b* (D65) of sRGB from 0 to 255, where distance is what eyes see as difference."""
    import numpy as np

    c = rgb / 255
    linear = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )
