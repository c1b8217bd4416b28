"""The images that a script file names, taken into the script: other processes need no folder then."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .problems import Path as KeyPath
from .problems import Problem

MAX_BYTES = 10 * 1024 * 1024
MEDIA_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}


def read_images(document: Any, folder: Path) -> Iterator[Problem]:
    """Put the images that rules name in place of their names. Yields what is wrong with them."""
    rules = document.get("rules") if isinstance(document, dict) else None
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, dict):
            continue
        respond = rule.get("respond")
        items: list[tuple[KeyPath, dict[Any, Any]]] = [(("rules", number), rule)]
        items += [
            (("rules", number, "respond", index), item)
            for index, item in enumerate(respond if isinstance(respond, list) else [])
            if isinstance(item, dict)
        ]
        for path, item in items:
            yield from _read_image(item, path, folder)


def _read_image(item: dict[Any, Any], path: KeyPath, folder: Path) -> Iterator[Problem]:
    name = item.get("image")
    if not isinstance(name, str) or name.startswith("data:"):
        return
    try:
        file = (folder / name).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise ValueError(f"{name} is outside the script's folder")
        if file.suffix.lower() not in MEDIA_TYPES:
            raise ValueError(f"{name} must end in one of {', '.join(MEDIA_TYPES)}")
        if file.stat().st_size > MAX_BYTES:
            raise ValueError(f"{name} has more than {MAX_BYTES} bytes")
        content = base64.b64encode(file.read_bytes()).decode()
        item["image"] = f"data:image/{MEDIA_TYPES[file.suffix.lower()]};base64,{content}"
    except OSError as error:
        yield Problem((*path, "image"), f"{name} cannot be read: {error.strerror or error}")
    except ValueError as error:
        yield Problem((*path, "image"), str(error))
