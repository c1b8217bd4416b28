"""A drawing of a prompt: a gradient in the prompt's own colours, with its words on it."""

import hashlib
import io
import textwrap

from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

# Nobody reads more than that on an image, and drawing it takes time.
MAX_CHARACTERS = 400


def draw(prompt: str, size: tuple[int, int], file_format: str = "png", transparent: bool = False) -> bytes:
    """Draw an image, width by height in pixels; the same prompt gives the same bytes."""
    hue = int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=2).digest(), "little") % 360
    dark = ImageColor.getrgb(f"hsl({hue}, 55%, 25%)")
    bright = ImageColor.getrgb(f"hsl({(hue + 60) % 360}, 60%, 55%)")
    image = ImageOps.colorize(Image.linear_gradient("L").resize(size), dark, bright)
    if transparent:
        image = Image.new("RGBA", size, (0, 0, 0, 0))
    _write(image, prompt[:MAX_CHARACTERS], bright if transparent else (255, 255, 255))
    output = io.BytesIO()
    # Speed matters here, the size of the file does not.
    image.save(output, file_format, compress_level=1)
    return output.getvalue()


def _write(image: Image.Image, words: str, colour: tuple[int, ...]) -> None:
    height = max(12, min(image.size) // 20)
    columns = max(8, int(image.width * 1.7 / height))
    lines = textwrap.fill(words, columns, max_lines=12, placeholder=" …")
    font = ImageFont.load_default(height)
    ImageDraw.Draw(image).multiline_text((height, height), lines, colour, font, spacing=height // 3)
