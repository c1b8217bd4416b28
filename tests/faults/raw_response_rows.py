"""The rows of any wire as the Responses API sends them, and what else it may send."""

from __future__ import annotations

from tests.faults.raw_rows import BUSY, FAILED, INVALID, RawRow, rows_of_any_wire
from tests.harness.raw_model import STREAM, event
from tests.harness.raw_responses import END, added, arguments, call, done, ended, message, words

ROWS = rows_of_any_wire(words, END)
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
