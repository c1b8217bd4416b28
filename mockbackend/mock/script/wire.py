"""Faults on the front end's own wire, between an answer and its reader: one class, whose keys are the faults.

The meaning of each key is for people: help, docs and the schema of scripts are made from it.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct
from msgspec.structs import fields

from .checks import Checked, Given, Mistake, of_header
from .faults import HttpStatus

# How many lines have been sent: 0 is before the first, a number beyond the last is after all of them.
Lines = Annotated[int, Meta(ge=0, le=1_000_000)]
# The number of one line, from 1.
Line = Annotated[int, Meta(ge=1, le=1_000_000)]
UpToAnHour = Annotated[float, Meta(ge=0, le=3600)]
ENDINGS = ("cut", "end", "late_error")
PAUSES = ("hold", "split", "silence")
BESIDE_STATUS = {"status", "retry_after", "body", "message", "delay"}


class Silence(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Nothing for some seconds, not even a keep-alive."""

    seconds: UpToAnHour
    after: Lines = 0


class Wire(Checked, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a front end meets. Lines are counted as the answer has them, whether sent once, twice or not at all."""

    status: Annotated[
        HttpStatus | None, Meta(description="this status in place of the call: nothing is stored, no model is called")
    ] = None
    retry_after: Annotated[
        Annotated[float, Meta(ge=0)] | str | None,
        Meta(description="beside `status`: Retry-After, in seconds or a date"),
    ] = None
    body: Annotated[
        Literal["json", "html", "empty"] | None,
        Meta(description="beside `status`: `json` (the API's own error, the default), `html` or `empty`"),
    ] = None
    message: Annotated[str | None, Meta(description="beside `status`: the words of the JSON error")] = None
    delay: Annotated[UpToAnHour, Meta(description="the first byte comes that many seconds late")] = 0
    cut: Annotated[
        Lines | None,
        Meta(description="the connection closes a quarter of a second after that many lines, without the body's end"),
    ] = None
    end: Annotated[Lines | None, Meta(description="the body ends properly after that many lines, without a finish")] = (
        None
    )
    hold: Annotated[
        Lines | None,
        Meta(description="the stream stands still after that many lines, until it is released, and at most 60 s"),
    ] = None
    split: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(
            description="the body comes that many bytes at a time, 1 ms apart, through the middle of characters and "
            "lines (the first 2,000 pieces)"
        ),
    ] = None
    silence: Annotated[
        Silence | None,
        Meta(description="after `after` lines nothing comes for `seconds`, not even a keep-alive"),
    ] = None
    repeat: Annotated[Line | None, Meta(description="the line of that number comes twice")] = None
    late_error: Annotated[
        Lines | None, Meta(description="an error after that many lines, then the stream ends as a failed one")
    ] = None
    drop: Annotated[
        Literal["tool_result"] | None, Meta(description="`tool_result`: the lines with results of tools never come")
    ] = None
    unknown_line: Annotated[
        Line | None, Meta(description="before the line of that number comes one of a kind that nobody knows")
    ] = None
    buffered: Annotated[bool, Meta(description="all comes at once, at the end, as through a proxy that buffers")] = (
        False
    )

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        if not given:
            yield Mistake("", "is empty: name a fault", lacks=True)
        for name in given:
            if "status" not in given and name in ("retry_after", "body", "message"):
                yield Mistake(name, "belongs to 'status': give that too", lacks=True)
            elif "status" in given and name not in BESIDE_STATUS:
                yield Mistake(name, "leave it out, since 'status' answers in place of the call")
            elif "buffered" in given and name in PAUSES:
                yield Mistake(name, "leave it out, since 'buffered' sends all at once")
        if "message" in given and given.get("body") in ("html", "empty"):
            yield Mistake("message", "is the text of a JSON body: leave 'body' or 'message' out")
        yield from of_header(given, "retry_after")
        first, *others = [name for name in ENDINGS if name in given] or [""]
        for name in others if "status" not in given else ():
            yield Mistake(name, f"'{first}' ends the stream as well: choose one")


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Wire)}
MEANINGS: dict[str, str] = {
    field.name: next(meta.description for meta in get_args(field.type) if isinstance(meta, Meta) and meta.description)
    for field in fields(Wire)
}
