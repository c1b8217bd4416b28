"""Every fault that a script can ask for: a class each, its fields are the parameters.

`after` counts deltas; a number beyond the last delta means after all of them.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Status:
    """An error status instead of an answer. Retry headers are sent where given: seconds (or a date), milliseconds."""

    status: int
    retry_after: float | str | None = None
    retry_after_ms: float | None = None
    body: Literal["azure", "html", "empty"] = "azure"
    code: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(f"'status' is no HTTP status: {self.status}")


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """400: the prompt was refused. `variant` is where Azure puts the details; all have been seen."""

    variant: Literal["innererror", "inner_error", "none"] = "innererror"


@dataclass(frozen=True, slots=True)
class Refuse:
    """400 for a request that has this parameter, and only for such: an answer without it goes through."""

    parameter: str
    style: Literal["parameter", "value", "unknown"] = "parameter"


@dataclass(frozen=True, slots=True)
class ContextLength:
    """400: the conversation is too long for the model."""


@dataclass(frozen=True, slots=True)
class AccountBlocked:
    """403: the resource is blocked, not this prompt."""


@dataclass(frozen=True, slots=True)
class Html:
    """200 with an HTML page, as a proxy or a login page in between sends it."""


@dataclass(frozen=True, slots=True)
class Error200:
    """200 whose document is an error."""


@dataclass(frozen=True, slots=True)
class AfterDeltas:
    """What begins after so many deltas, 0 being before the first."""

    after: int = 1

    def __post_init__(self) -> None:
        if self.after < 0:
            raise ValueError("'after' counts deltas, so it cannot be negative")


@dataclass(frozen=True, slots=True)
class AnswerFilter(AfterDeltas):
    """The filter cuts the answer off after some deltas: 200, finish_reason content_filter."""


@dataclass(frozen=True, slots=True)
class AsyncFilter:
    """The asynchronous filter: text first, its verdict later. `block` makes the last verdict a late refusal."""

    block: bool = False


@dataclass(frozen=True, slots=True)
class FilterDown:
    """The filter itself is out of order; the answer is whole."""


@dataclass(frozen=True, slots=True)
class Cut(AfterDeltas):
    """The connection breaks in mid-body."""


@dataclass(frozen=True, slots=True)
class End(AfterDeltas):
    """The body ends properly, but with no finish_reason and no [DONE]."""


@dataclass(frozen=True, slots=True)
class NoDone:
    """The answer finishes, but [DONE] never comes."""


@dataclass(frozen=True, slots=True)
class Malformed(AfterDeltas):
    """One event is broken JSON; the rest of the stream follows."""


@dataclass(frozen=True, slots=True)
class ErrorEvent(AfterDeltas):
    """An error inside the stream, which ends with it."""


@dataclass(frozen=True, slots=True)
class Stall(AfterDeltas):
    """Silence in mid-stream; then it goes on."""

    seconds: float = 600


@dataclass(frozen=True, slots=True)
class ImageRefused:
    """400: the picture's prompt was refused, with one of the four codes that have been seen."""

    code: Literal["content_policy_violation", "moderation_blocked", "contentFilter", "content_filter"] = (
        "content_policy_violation"
    )


@dataclass(frozen=True, slots=True)
class ImageGone:
    """The picture's URL answers 404."""


@dataclass(frozen=True, slots=True)
class ImageNotImage:
    """The picture's URL answers 200 with an HTML page."""


@dataclass(frozen=True, slots=True)
class ImageHuge:
    """The picture's URL sends bytes for ever."""


@dataclass(frozen=True, slots=True)
class ImageRedirect:
    """The picture's URL redirects to another."""

    to: str


@dataclass(frozen=True, slots=True)
class ImageSlow:
    """The picture's URL is silent for some seconds before it answers."""

    seconds: float = 60


@dataclass(frozen=True, slots=True)
class ItemsFail:
    """207: the first `count` documents of a batch are left as they were, each with this status."""

    count: int = 1
    status: int = 503

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("'count' must be at least one document")


@dataclass(frozen=True, slots=True)
class ShownLate:
    """200, but searches find the documents of the batch only after some seconds, as it is at Azure."""

    seconds: float = 2


# Instead of an answer, whatever was asked.
ErrorFault = Status | PromptFilter | Refuse | ContextLength | AccountBlocked | ImageRefused | Html | Error200
# In the middle of a chat answer.
StreamFault = AnswerFilter | AsyncFilter | FilterDown | Cut | End | NoDone | Malformed | ErrorEvent | Stall
# At the URL of a picture that was made well.
UrlFault = ImageGone | ImageNotImage | ImageHuge | ImageRedirect | ImageSlow
# Of a search, and of a batch of documents for one.
SearchFault = Status | Html
BatchFault = ItemsFail | ShownLate
IndexingFault = SearchFault | BatchFault
Fault = ErrorFault | StreamFault | UrlFault | IndexingFault

KINDS: dict[str, type[Fault]] = {
    "status": Status,
    "prompt_filter": PromptFilter,
    "refuse": Refuse,
    "context_length": ContextLength,
    "account_blocked": AccountBlocked,
    "image_refused": ImageRefused,
    "html": Html,
    "error_200": Error200,
    "answer_filter": AnswerFilter,
    "async_filter": AsyncFilter,
    "filter_down": FilterDown,
    "cut": Cut,
    "end": End,
    "no_done": NoDone,
    "malformed": Malformed,
    "error_event": ErrorEvent,
    "stall": Stall,
    "image_gone": ImageGone,
    "image_not_image": ImageNotImage,
    "image_huge": ImageHuge,
    "image_redirect": ImageRedirect,
    "image_slow": ImageSlow,
    "items_fail": ItemsFail,
    "shown_late": ShownLate,
}
