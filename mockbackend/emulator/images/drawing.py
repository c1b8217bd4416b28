"""A real picture of a prompt: a gradient of the prompt's own colours with its words on it."""

import hashlib
import io
import textwrap

from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

# As many words as a reader takes in; the rest would only cost time.
SHOWN = 400


def draw(prompt: str, size: tuple[int, int], file_format: str = "png", transparent: bool = False) -> bytes:
    """The bytes of a picture, width by height in pixels; the same prompt gives the same picture."""
    hue = int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=2).digest(), "little") % 360
    dark = ImageColor.getrgb(f"hsl({hue}, 55%, 25%)")
    bright = ImageColor.getrgb(f"hsl({(hue + 60) % 360}, 60%, 55%)")
    picture = ImageOps.colorize(Image.linear_gradient("L").resize(size), dark, bright)
    if transparent:
        picture = Image.new("RGBA", size, (0, 0, 0, 0))
    _write(picture, prompt[:SHOWN], bright if transparent else (255, 255, 255))
    output = io.BytesIO()
    # The size of the file is nobody's concern here, its time is.
    picture.save(output, file_format, compress_level=1)
    return output.getvalue()


def _write(picture: Image.Image, words: str, colour: tuple[int, ...]) -> None:
    height = max(12, min(picture.size) // 20)
    columns = max(8, int(picture.width * 1.7 / height))
    lines = textwrap.fill(words, columns, max_lines=12, placeholder=" …")
    font = ImageFont.load_default(height)
    ImageDraw.Draw(picture).multiline_text((height, height), lines, colour, font, spacing=height // 3)
