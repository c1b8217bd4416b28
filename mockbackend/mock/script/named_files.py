"""The files that a script file names, taken into the script: other processes need no folder then."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .problems import Path as KeyPath
from .problems import Problem
from .raw import RawError, read_raw, to_url

MAX_BYTES = 10 * 1024 * 1024
MAX_RAW_BYTES = 32 * 1024 * 1024
MEDIA_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}
WITHOUT_RAW = "record it again, or delete this 'raw': then the words beside it are the answer"


def read_named_files(document: Any, folder: Path) -> Iterator[Problem]:
    """Put what is in the files that rules name in place of their names. Yields what is wrong with them."""
    rules = document.get("rules") if isinstance(document, dict) else None
    for path, item in _each(rules, ("rules",)):
        yield from _read(item, path, folder)


def _each(listed: object, path: KeyPath) -> Iterator[tuple[KeyPath, dict[Any, Any]]]:
    """The mappings of a list, and those in the lists of answers that they have."""
    for number, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict):
            yield (*path, number), item
            for key in ("respond", "steps"):
                yield from _each(item.get(key), (*path, number, key))


def _read(item: dict[Any, Any], path: KeyPath, folder: Path) -> Iterator[Problem]:
    for key, take in (("image", _take_image), ("raw", _take_raw)):
        name = item.get(key)
        if not isinstance(name, str) or name.startswith("data:"):
            continue
        advice = f"; {WITHOUT_RAW}" if key == "raw" else ""
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder.resolve()):
                raise ValueError(f"{name} is outside the script's folder")
            item[key] = take(file, name)
        except OSError as error:
            yield Problem((*path, key), f"{name} cannot be read: {error.strerror or error}{advice}")
        except RawError as error:
            yield Problem((*path, key), f"{name}: {error}{advice}")
        except ValueError as error:
            yield Problem((*path, key), str(error))


def _take_image(file: Path, name: str) -> str:
    if file.suffix.lower() not in MEDIA_TYPES:
        raise ValueError(f"{name} must end in one of {', '.join(MEDIA_TYPES)}")
    content = base64.b64encode(_bytes(file, name, MAX_BYTES)).decode()
    return f"data:image/{MEDIA_TYPES[file.suffix.lower()]};base64,{content}"


def _take_raw(file: Path, name: str) -> str:
    text = _bytes(file, name, MAX_RAW_BYTES)
    read_raw(text)
    return to_url(text)


def _bytes(file: Path, name: str, most: int) -> bytes:
    if file.stat().st_size > most:
        raise ValueError(f"{name} has more than {most} bytes")
    return file.read_bytes()
