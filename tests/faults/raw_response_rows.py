"""The rows of `raw_rows` as the Responses API sends them, and what else it may send."""

from __future__ import annotations

from tests.faults.raw_rows import CUT, INVALID, TIMED_OUT, RawRow
from tests.harness.raw_model import CHUNKED, DOCUMENT, STREAM, event
from tests.harness.raw_responses import END, added, arguments, call, done, ended, message, words

FAILED, BUSY = "failed while answering", "rate limit is reached"
ROWS = [
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
        TIMED_OUT,
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
    RawRow("cut after the answer's end", (STREAM, words("One."), END, 0.1, "reset"), None, kept="One.", finish="stop"),
    RawRow(
        "slow but steady",
        (STREAM, *(piece for _ in range(4) for piece in (words("so "), 0.7)), END),
        None,
        kept="so " * 4,
        finish="stop",
    ),
    RawRow(
        "lines that end in CRLF",
        (STREAM, words("One.").replace(b"\n", b"\r\n"), b": comment\r\n\r\n", END.replace(b"\n", b"\r\n")),
        kept="One.",
        finish="stop",
    ),
]
# What chat completions cannot say, so that the page has no row of it.
OWN_ROWS = [
    RawRow(
        "words without a delta",
        (STREAM, words("One "), event({"type": "response.output_text.delta", "output_index": 0})),
        INVALID,
        kept="One ",
    ),
    RawRow("words that are a number", (STREAM, words("One "), words(2)), INVALID, kept="One "),
    RawRow("an item that is a text", (STREAM, words("One "), added("two")), INVALID, kept="One "),
    RawRow(
        "an end that is a number",
        (STREAM, words("One "), event({"type": "response.completed", "response": 1})),
        INVALID,
        kept="One ",
    ),
    RawRow(
        "a documented error", (STREAM, event({"type": "error", "code": "server_error", "message": "no"})), FAILED, 2
    ),
    RawRow("a documented rate limit", (STREAM, event({"type": "error", "code": "rate_limit_exceeded"})), BUSY, 2),
    RawRow(
        "a failed response",
        (STREAM, words("One "), ended("failed", error={"code": "server_error"})),
        FAILED,
        kept="One ",
    ),
    RawRow("a failed response that says nothing", (STREAM, ended("failed")), FAILED, 2),
    RawRow(
        "events of an unknown kind",
        (STREAM, event({"type": "ping"}), event({"odd": 1}), words("One."), END),
        kept="One.",
        finish="stop",
    ),
    RawRow(
        "words in the item alone",
        (STREAM, added(message()), done(message("One", " two")), END),
        kept="One two",
        finish="stop",
    ),
    RawRow(
        "words in the end alone",
        (STREAM, ended(output=[{"type": "reasoning", "summary": []}, message("One.")])),
        kept="One.",
        finish="stop",
    ),
    RawRow(
        "words in pieces and again as a whole",
        (STREAM, words("One."), done(message("One.")), ended(output=[message("One.")])),
        kept="One.",
        finish="stop",
    ),
    RawRow(
        "a refusal",
        (STREAM, event({"type": "response.refusal.delta", "output_index": 0, "delta": "No."}), END),
        kept="No.",
        finish="stop",
    ),
    RawRow(
        "the answer's limit",
        (STREAM, words("One"), ended("incomplete", incomplete_details={"reason": "max_output_tokens"})),
        kept="One",
        finish="length",
    ),
    RawRow(
        "the answer's filter",
        (STREAM, words("One"), ended("incomplete", incomplete_details={"reason": "content_filter"})),
        kept="One",
        finish="content-filter",
    ),
    RawRow(
        "an end for an unknown reason",
        (STREAM, words("One"), ended("incomplete", incomplete_details=None)),
        kept="One",
        finish="other",
    ),
    RawRow("no usage", (STREAM, words("One."), ended(usage=None)), kept="One.", finish="stop"),
]
CALLS = {
    "a call in pieces": (added(call(arguments="")), arguments('{"timezone": '), arguments('"UTC"}'), done(call())),
    "a call in one piece": (added(call(arguments="")), done(call())),
    "a call that is whole as it begins": (added(call()), done(call())),
    "a call in its end alone": (done(call()),),
    "a call in the response's end alone": (ended(output=[call()]),),
    "arguments at their end alone": (
        added(call(arguments="")),
        event({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"timezone": "UTC"}'}),
    ),
}
