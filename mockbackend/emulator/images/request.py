"""An image request, checked as Azure checks it, in the shape of dall-e-3 or of gpt-image."""

from dataclasses import dataclass

from ..gateway import errors
from ..gateway.call import Call, Operation, flag

GPT_ARGUMENTS = frozenset(
    {
        "background",
        "model",
        "moderation",
        "n",
        "output_compression",
        "output_format",
        "partial_images",
        "prompt",
        "quality",
        "size",
        "stream",
        "user",
    }
)
EDIT_ARGUMENTS = GPT_ARGUMENTS - {"moderation"} | {"image", "input_fidelity", "mask"}
DALLE_ARGUMENTS = frozenset({"model", "n", "prompt", "quality", "response_format", "size", "style", "user"})
GPT_SIZES = ("auto", "1024x1024", "1024x1536", "1536x1024")
DALLE_SIZES = ("1024x1024", "1792x1024", "1024x1792")
MAX_DALLE_PROMPT = 4000
MAX_GPT_PROMPT = 32_000
MAX_COUNT = 10
MAX_PARTIAL = 3
MAX_IMAGES = 16


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`size` in pixels, width first. `url`: the answer names a URL instead of carrying the bytes.

    An edit has `images`, and perhaps a `mask` of the first. `partial`: how many coarse images a stream begins with.
    """

    call: Call
    prompt: str
    count: int
    size: tuple[int, int]
    quality: str
    file_format: str
    transparent: bool
    url: bool
    images: tuple[bytes, ...] = ()
    mask: bytes | None = None
    stream: bool = False
    partial: int = 0


def read_image(call: Call) -> ImageRequest:
    """Read a call's request; AzureError 400 where Azure refuses it."""
    dalle, edits = call.deployment.is_dalle, call.operation is Operation.IMAGE_EDIT
    for argument in call.body:
        if argument not in (DALLE_ARGUMENTS if dalle else EDIT_ARGUMENTS if edits else GPT_ARGUMENTS):
            raise errors.unknown_parameter(argument)
    prompt = _prompt(call, MAX_DALLE_PROMPT if dalle else MAX_GPT_PROMPT)
    count = _count(call, 1 if dalle else MAX_COUNT)
    if dalle:
        _choice(call, "style", ("vivid", "natural"))
        return ImageRequest(
            call=call,
            prompt=prompt,
            count=count,
            size=_pixels(_choice(call, "size", DALLE_SIZES)),
            quality=_choice(call, "quality", ("standard", "hd")),
            file_format="png",
            transparent=False,
            url=_choice(call, "response_format", ("url", "b64_json")) == "url",
        )
    _choice(call, "moderation", ("auto", "low"))
    background = _choice(call, "background", ("auto", "opaque", "transparent"))
    file_format = _choice(call, "output_format", ("png", "jpeg"))
    if background == "transparent" and file_format != "png":
        raise errors.invalid_value("background", "transparent images need output_format png")
    quality = _choice(call, "quality", ("auto", "low", "medium", "high"))
    # Azure's default, which is another for the mini models.
    if quality == "auto":
        quality = "medium" if "mini" in call.deployment.name else "high"
    return ImageRequest(
        call=call,
        prompt=prompt,
        count=count,
        size=_gpt_size(call),
        quality=quality,
        file_format=file_format,
        transparent=background == "transparent",
        url=False,
        images=_files(call, "image", MAX_IMAGES) if edits else (),
        mask=next(iter(_files(call, "mask", 1)), None) if edits and "mask" in call.body else None,
        stream=flag(call.body, "stream"),
        partial=_partial(call),
    )


def _files(call: Call, param: str, most: int) -> tuple[bytes, ...]:
    given = call.body.get(param)
    if not isinstance(given, list):
        raise errors.missing_parameter(param) if given is None else errors.wrong_type(param, "a file")
    if len(given) > most:
        raise errors.invalid_value(param, f"at most {most} files are taken")
    return tuple(given)


def _partial(call: Call) -> int:
    given = call.body.get("partial_images")
    if given is None:
        return 0
    if type(given) is not int or not 0 <= given <= MAX_PARTIAL:
        raise errors.invalid_value("partial_images", f"expected a whole number from 0 to {MAX_PARTIAL}")
    return given


def _prompt(call: Call, limit: int) -> str:
    prompt = call.body.get("prompt")
    if prompt is None:
        raise errors.missing_parameter("prompt")
    if not isinstance(prompt, str):
        raise errors.wrong_type("prompt", "a string")
    if not 0 < len(prompt) <= limit:
        raise errors.invalid_value("prompt", f"expected 1 to {limit} characters, got {len(prompt)}")
    return prompt


def _count(call: Call, limit: int) -> int:
    count = call.body.get("n", 1)
    if type(count) is not int or not 1 <= count <= limit:
        raise errors.invalid_value("n", f"expected a whole number from 1 to {limit}")
    return count


def _choice(call: Call, param: str, choices: tuple[str, ...]) -> str:
    """The value of a parameter; the first choice is its default."""
    value = call.body.get(param)
    if value is None:
        return choices[0]
    if not isinstance(value, str) or value not in choices:
        raise errors.invalid_value(param, f"'{value}'. Supported values are: {', '.join(map(repr, choices))}")
    return value


def _gpt_size(call: Call) -> tuple[int, int]:
    """One of three sizes; gpt-image-2 takes others too."""
    if "image-2" not in call.deployment.name:
        return _pixels(_choice(call, "size", GPT_SIZES))
    given = call.body.get("size")
    if given is None or given in GPT_SIZES:
        return _pixels(str(given or "auto"))
    width, _, height = str(given).partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise errors.invalid_value("size", f"'{given}' is not a size")
    size = int(width), int(height)
    long, short = max(size), min(size)
    if any(edge % 16 for edge in size) or long > 3840 or long > 3 * short or not _fits(long * short):
        raise errors.invalid_value("size", f"'{given}' cannot be drawn by this model")
    return size


def _fits(pixels: int) -> bool:
    return 655_360 <= pixels <= 8_294_400


def _pixels(size: str) -> tuple[int, int]:
    if size == "auto":
        return 1024, 1024
    width, _, height = size.partition("x")
    return int(width), int(height)
