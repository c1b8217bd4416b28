"""A body of multipart/form-data, as edits of images have one."""

import re
from io import BytesIO

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartParser,
    parse_options_header,
)

from . import errors

MAX_PARTS = 100
NUMBERS = ("n", "partial_images", "output_compression")
FLAGS = {"true": True, "false": False}


def parse_form(raw: bytes, content_type: str) -> dict[str, object]:
    """The fields: texts, numbers and flags, and the bytes of files, a list of them where several have one name.

    AzureError 400 for anything else.
    """
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not (boundary := options.get("boundary")):
        raise errors.invalid_request(
            f"Unsupported content type: '{kind}'. This API method only accepts 'multipart/form-data' requests."
        )
    fields: dict[str, object] = {}
    try:
        parser = MultipartParser(BytesIO(raw), boundary, memory_limit=len(raw) + 1, part_limit=MAX_PARTS, strict=True)
        for part in parser:
            name = part.name.removesuffix("[]")
            if part.filename is None:
                fields[name] = _value(name, part.value)
            else:
                listed = fields.setdefault(name, [])
                if isinstance(listed, list):
                    listed.append(part.raw)
    except (MultipartError, UnicodeDecodeError):
        raise errors.invalid_request("We could not parse the multipart body of your request.") from None
    return fields


def _value(name: str, text: str) -> object:
    if name in NUMBERS and re.fullmatch(r"-?\d{1,9}", text):
        return int(text)
    return FLAGS.get(text, text) if name == "stream" else text
