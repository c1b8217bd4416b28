"""What an HTTP server that keeps the rules cannot be made to do, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.raw_model import CHUNKED, DOCUMENT, DONE, STOP, STREAM, Piece, choice, event, words


@dataclass(frozen=True, slots=True)
class RawRow:
    """A kind of trouble: the bytes that answer the prompt `name`. `tries` is the number of requests of the turn."""

    name: str
    pieces: tuple[Piece, ...]
    says: str | None = None
    tries: int = 1
    kept: str = ""
    finish: str = "error"


CUT, TIMED_OUT, INVALID = "cut off", "did not respond in time", "an invalid response"
FAILED, BUSY = "failed while answering", "rate limit is reached"


def rows_of_any_wire(words: Callable[[str], bytes], end: bytes) -> list[RawRow]:
    """Trouble that either wire may have; these are its events of some words and of the answer's end."""
    return [
        RawRow("closed without an answer", (), CUT, 2),
        RawRow("reset without an answer", ("reset",), CUT, 2),
        RawRow("garbage instead of HTTP", (b"SSH-2.0-OpenSSH_9.9\r\n\r\n",), INVALID, 2),
        RawRow("silence before the headers", (30.0,), TIMED_OUT, 2),
        RawRow("silence within the headers", (STREAM[:40], 30.0), TIMED_OUT, 2),
        RawRow("reset after some words", (STREAM, words("One "), words("two "), 0.2, "reset"), CUT, kept="One two "),
        RawRow("cut within an event", (STREAM, words("One "), words("two")[:30]), CUT, kept="One "),
        RawRow("cut within a chunk", (CHUNKED, b"fff\r\n" + words("One ")), CUT, kept="One "),
        RawRow(
            "broken chunk",
            (CHUNKED, b"%x\r\n%b\r\n" % (len(words("One ")), words("One ")), 0.2, b"zz\r\n"),
            CUT,
            kept="One ",
        ),
        RawRow("cut within a document", (DOCUMENT % 900, b'{"error": '), CUT, 2),
        RawRow("error that is a text", (STREAM, event({"error": "out of memory"})), FAILED, 2),
        RawRow("rate limit inside a 200", (STREAM, event({"error": {"code": "429"}})), BUSY, 2),
        RawRow(
            "prompt filter inside a 200",
            (STREAM, event({"error": {"code": "content_filter"}})),
            "content filter refused the request",
        ),
        RawRow(
            "cut after the answer's end", (STREAM, words("One."), end, 0.1, "reset"), None, kept="One.", finish="stop"
        ),
        RawRow(
            "slow but steady",
            (STREAM, *(piece for _ in range(4) for piece in (words("so "), 0.7)), end),
            None,
            kept="so " * 4,
            finish="stop",
        ),
        RawRow(
            "lines that end in CRLF",
            (STREAM, words("One.").replace(b"\n", b"\r\n"), b": comment\r\n\r\n", end.replace(b"\n", b"\r\n")),
            kept="One.",
            finish="stop",
        ),
    ]


RAW_ROWS = [
    *rows_of_any_wire(words, STOP),
    # What only chat completions can say.
    RawRow("event that is a list", (STREAM, words("One "), event([1])), INVALID, kept="One "),
    RawRow("choices that are numbers", (STREAM, words("One "), event({"choices": [1]})), INVALID, kept="One "),
    RawRow("delta that is a text", (STREAM, words("One "), event(choice("two"))), INVALID, kept="One "),
    RawRow("words that are a list", (STREAM, words("One "), words(["two"])), INVALID, kept="One "),
    RawRow("half a character", (STREAM, words("One "), b'data: {"choices": "\xe2\x82"}\n\n'), INVALID, kept="One "),
    RawRow("[DONE] without finish_reason", (STREAM, words("One "), DONE), CUT, kept="One "),
    RawRow(
        "error that is null",
        (STREAM, event({"error": None, **choice({"content": "One."})}), STOP, DONE),
        kept="One.",
        finish="stop",
    ),
    RawRow(
        "unknown finish_reason", (STREAM, words("One."), event(choice({}, "eos")), DONE), kept="One.", finish="other"
    ),
]
