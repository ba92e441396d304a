"""Pictures the tests draw."""

import io

from PIL import Image, ImageDraw, ImageFont


def png(text: str, size: tuple[int, int] = (640, 200), background: str = "white") -> bytes:
    """Dark text on a plain ground, large enough to be read."""
    image = Image.new("RGB", size, background)
    font = ImageFont.load_default(size=44)
    ImageDraw.Draw(image).multiline_text((30, 40), text, fill="black", font=font, spacing=16)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
