"""Faults on the front end's own wire, between an answer and its reader: one class, whose keys are the faults.

The meaning of each key is for people: help, docs and the schema of scripts are made from it.
"""

from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct
from msgspec.structs import fields

from .faults import HttpStatus

# How many lines have been sent: 0 is before the first, a number beyond the last is after all of them.
Lines = Annotated[int, Meta(ge=0, le=1_000_000)]
# The number of one line, from 1.
Line = Annotated[int, Meta(ge=1, le=1_000_000)]
UpToAnHour = Annotated[float, Meta(ge=0, le=3600)]
ENDINGS = ("cut", "end", "late_error")
BESIDE_STATUS = {"status", "retry_after", "body", "message", "delay"}


class Silence(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Nothing for some seconds, not even a keep-alive."""

    seconds: UpToAnHour
    after: Lines = 0


class Wire(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
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
        Lines | None, Meta(description="the connection closes after that many lines, without the body's end")
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

    def __post_init__(self) -> None:
        given = [name for name, default in DEFAULTS.items() if getattr(self, name) != default]
        if not given:
            raise ValueError("is empty: name a fault")
        if self.status is None:
            if alone := [name for name in ("retry_after", "body", "message") if name in given]:
                raise ValueError(f"'{alone[0]}' belongs to 'status': give that too")
        elif others := [name for name in given if name not in BESIDE_STATUS]:
            raise ValueError(f"'status' answers in place of the call, so leave '{others[0]}' out")
        if self.message is not None and self.body not in (None, "json"):
            raise ValueError("'message' is the text of a JSON body: leave 'body' or 'message' out")
        if isinstance(self.retry_after, str) and not (self.retry_after.isascii() and self.retry_after.isprintable()):
            raise ValueError("'retry_after' must be seconds or a date")
        if len(endings := [name for name in ENDINGS if name in given]) > 1:
            raise ValueError(f"'{endings[0]}' and '{endings[1]}' both end the stream: choose one")
        if self.buffered and (paused := [name for name in ("hold", "split", "silence") if name in given]):
            raise ValueError(f"'buffered' sends all at once, so leave '{paused[0]}' out")


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Wire)}
MEANINGS: dict[str, str] = {
    field.name: next(meta.description for meta in get_args(field.type) if isinstance(meta, Meta) and meta.description)
    for field in fields(Wire)
}
