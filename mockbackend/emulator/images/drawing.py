"""A drawing of a prompt: a gradient in the prompt's own colours, with its words on it."""

import hashlib
import io
import textwrap
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

# Nobody reads more than that on an image, and drawing it takes time.
MAX_CHARACTERS = 400


class UnusableImage(ValueError):
    """An image or mask that cannot be edited; the message says why."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


# Scripts and tests ask for the same few again and again.
@lru_cache(maxsize=16)
def draw(prompt: str, size: tuple[int, int], file_format: str = "png", transparent: bool = False) -> bytes:
    """Draw an image, width by height in pixels; the same prompt gives the same bytes."""
    hue = int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=2).digest(), "little") % 360
    dark = ImageColor.getrgb(f"hsl({hue}, 55%, 25%)")
    bright = ImageColor.getrgb(f"hsl({(hue + 60) % 360}, 60%, 55%)")
    # Each of its 256 lines has one colour, so it is coloured while it is small.
    gradient = ImageOps.colorize(Image.linear_gradient("L"), dark, bright)
    image = gradient.resize(size, Image.Resampling.NEAREST)
    if transparent:
        image = Image.new("RGBA", size, (0, 0, 0, 0))
    _write(image, prompt[:MAX_CHARACTERS], bright if transparent else (255, 255, 255))
    return _saved(image, file_format)


def edit(prompt: str, original: bytes, mask: bytes | None, size: tuple[int, int], file_format: str = "png") -> bytes:
    """Draw the prompt over an image: where the mask is transparent, or all over. Raises UnusableImage."""
    image = _opened(original, "image", ("PNG", "JPEG", "WEBP"))
    drawn = Image.open(io.BytesIO(draw(prompt, size))).convert("RGB")
    kept = Image.new("L", size, 128)
    if mask is not None:
        given = _opened(mask, "mask", ("PNG",))
        if given.size != image.size:
            raise UnusableImage("mask", f"The mask is {given.size}, but the image is {image.size}.")
        if "A" not in given.getbands():
            raise UnusableImage("mask", "The mask has no alpha channel.")
        kept = given.getchannel("A").resize(size)
    return _saved(Image.composite(image.convert("RGB").resize(size), drawn, kept), file_format)


def coarse(content: bytes, index: int) -> bytes:
    """An image as it is seen before it is done, the finer the later."""
    image = Image.open(io.BytesIO(content))
    width, height = (max(1, side >> (5 - index)) for side in image.size)
    return _saved(image.resize((width, height)).resize(image.size, Image.Resampling.NEAREST), image.format or "png")


def _opened(content: bytes, param: str, formats: tuple[str, ...]) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        words = f"Invalid image file for '{param}': expected {', '.join(formats)}. Please check it and try again."
        raise UnusableImage(param, words) from None
    return image


def _saved(image: Image.Image, file_format: str) -> bytes:
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
