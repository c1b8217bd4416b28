"""The file of a turn: its calls of the model as rules, and beside it the answers as they came."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..script.load import RECORDING
from ..script.raw import IMAGE, IMAGE_URL, Raw, end_text, head_text, piece_text
from .secrets import HIDDEN, Secrets
from .words import chat_words, error_words, events, image_url, image_words
from .yaml_text import to_yaml

HEAD = (
    "# Recorded by Mock Backend, and yours to edit: without its line `raw`, an answer is the words beside it.\n"
    "# docs/emulator.md says how it is replayed.\n"
)
B64 = re.compile(rb'("b64_json"\s*:\s*")([A-Za-z0-9+/\\]+={0,2})(?=")')
ENDINGS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp", b"GIF8": "gif"}
SLUG_CHARACTERS = 40


# Two calls may ask the same.
@dataclass(slots=True, eq=False)
class Call:
    """A call of the model: what it asked, and what it was answered. `turn` and `step` count from 1, in chat alone."""

    kind: str
    text: str
    turn: int | None = None
    step: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    url: str | None = None
    raw: str | None = None
    is_over: bool = False

    @property
    def item(self) -> dict[str, Any]:
        """Its answer as a rule has it."""
        return self.answer if self.raw is None else {**self.answer, "raw": self.raw}


@dataclass(slots=True)
class TurnFile:
    """A turn, or a call outside of any, in a folder. `name` is that of its files, without what follows the dot.

    `sizes` are the bytes of its files, by name.
    """

    folder: Path
    name: str
    calls: list[Call] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, call: Call, raw: Raw | None, secrets: Secrets) -> Iterator[tuple[str, bytes]]:
        """Take the answer of a call. Yields the files that go with it."""
        call.is_over = True
        if raw is None:
            call.answer = {"text": ""} if call.kind == "chat" else {}
            return
        stem = f"{self.name}.{self.calls.index(call) + 1}"
        pieces = raw.pieces
        if call.kind == "chat":
            words = chat_words(raw)
        elif call.kind == "image":
            words, call.url = image_words(raw), image_url(raw)
            body, image = _without_image(raw.body, call.url)
            pieces = ((raw.ended_at, body),) if body else ()
            if image:
                name = f"{stem}.{_ending(image)}"
                words["image"] = name
                yield name, image
        else:
            words = error_words(raw)
        call.answer = _as_mapping(secrets.hide_all(words))
        pieces = tuple((at, secrets.hide_bytes(piece)) for at, piece in pieces)
        if secrets.remain_in(events(replace(raw, pieces=pieces))):
            return
        text = b"".join(piece_text(at, piece) for at, piece in pieces)
        headers = {name: secrets.hide(value) for name, value in raw.headers.items()}
        head = head_text(raw.wire, raw.status, raw.delay, headers)
        call.raw = f"{stem}.sse"
        yield f"{stem}.sse", head + text + end_text(raw.ended_at, raw.ending)

    def take_image(self, call: Call, content: bytes | None) -> Iterator[tuple[str, bytes]]:
        """Take the image that was fetched from its URL; None if that failed."""
        if content is None:
            call.answer["fault"] = {"kind": "image_gone"}
            return
        name = f"{self.name}.{self.calls.index(call) + 1}.{_ending(content)}"
        call.answer["image"] = name
        yield name, content

    def text(self, secrets: Secrets) -> bytes:
        """The script."""
        document = {"recording": RECORDING, "rules": [*_rules([call for call in self.calls if call.is_over], secrets)]}
        return HEAD.encode() + to_yaml(document)


def _rules(calls: list[Call], secrets: Secrets) -> Iterator[dict[str, Any]]:
    chat: dict[tuple[str, int | None], dict[int, Call]] = {}
    for call in calls:
        when = _when(call.text, secrets)
        if call.kind != "chat":
            yield {"kind": call.kind, "when": when, **call.item}
            continue
        steps = chat.setdefault((call.text, call.turn), {})
        step = call.step or 1
        if earlier := steps.get(step):
            # It was refused, or failed, and asked again.
            yield {"when": {**when, "turn": call.turn, "step": step}, "once": True, **earlier.item}
        steps[step] = call
    for (text, turn), steps in chat.items():
        answers = [steps[step].item if step in steps else {"text": ""} for step in range(1, max(steps) + 1)]
        yield {"when": {**_when(text, secrets), "turn": turn}, "steps": answers}


def _when(text: str, secrets: Secrets) -> dict[str, Any]:
    hidden = secrets.hide(text)
    if hidden == text:
        return {"equals": text}
    # What is hidden may be anything.
    return {"regex": r"(?s)\A" + ".+".join(re.escape(part) for part in hidden.split(HIDDEN)) + r"\Z"}


def slug(text: str) -> str:
    """The words of a text, for a file's name."""
    words = re.sub(r"[\W_]+", "-", text.lower()).strip("-")[:SLUG_CHARACTERS]
    # A name of a file has at most 255 bytes.
    return words.encode()[:120].decode(errors="ignore").strip("-") or "turn"


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file whole, or not at all. Raises OSError."""
    part = folder / f".{name}.{os.getpid()}.part"
    try:
        part.write_bytes(content)
        part.replace(folder / name)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _without_image(body: bytes, url: str | None) -> tuple[bytes, bytes | None]:
    """The body with a mark in place of its first image, and that image, if it is in the body."""
    if url is not None:
        for written in (url, url.replace("/", "\\/"), url.replace("&", "\\u0026")):
            if written.encode() in body:
                return body.replace(written.encode(), IMAGE_URL, 1), None
        return body, None
    found = B64.search(body)
    if found is None:
        return body, None
    try:
        content = base64.b64decode(found[2].replace(b"\\/", b"/"), validate=True)
    except binascii.Error:
        return body, None
    if _ending(content) == "bin":
        return body, None
    return body[: found.start(2)] + IMAGE + body[found.end(2) :], content


def _ending(content: bytes) -> str:
    return next((ending for magic, ending in ENDINGS.items() if content.startswith(magic)), "bin")


def _as_mapping(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)  # noqa: S101
    return value
