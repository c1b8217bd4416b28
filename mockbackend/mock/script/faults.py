"""The faults that a script can ask for: a class each, tagged with its `kind`; its fields are its parameters.

To add one, write its class and put it in a union at the end. The type checker then names every `match` that must
handle it, and the tests in tests/emulator demand that it changes an answer and stands in docs/emulator.md.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from msgspec import Meta

from .checks import Checked, Given, Mistake, of_header

Seconds = Annotated[float, Meta(ge=0)]
HttpStatus = Annotated[int, Meta(ge=200, le=599)]


class BaseFault(Checked, frozen=True, tag_field="kind", forbid_unknown_fields=True, omit_defaults=True):
    """The base of all faults."""


class Status(BaseFault, frozen=True, tag="status"):
    """An HTTP status in place of an answer. `retry_after` is seconds or a date; no retry header unless given."""

    status: HttpStatus
    retry_after: float | str | None = None
    retry_after_ms: float | None = None
    body: Literal["azure", "html", "empty"] = "azure"
    code: str | None = None
    message: str | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        return of_header(given, "retry_after")


class PromptFilter(BaseFault, frozen=True, tag="prompt_filter"):
    """400: the prompt was refused. `variant` is where Azure puts the details; all have been seen.

    `category` is what the filter has found.
    """

    variant: Literal["innererror", "inner_error", "none"] = "innererror"
    category: Literal["hate", "jailbreak", "self_harm", "sexual", "violence"] = "violence"


class Refuse(BaseFault, frozen=True, tag="refuse"):
    """400 for a request that has this parameter; without it the call is answered."""

    parameter: str
    style: Literal["parameter", "value", "unknown"] = "parameter"


class ContextLength(BaseFault, frozen=True, tag="context_length"):
    """400: the conversation is too long for the model."""


class AccountBlocked(BaseFault, frozen=True, tag="account_blocked"):
    """403: the resource is blocked, not this prompt."""


class Html(BaseFault, frozen=True, tag="html"):
    """200 with an HTML page, as a proxy or a login page sends it."""


class Error200(BaseFault, frozen=True, tag="error_200"):
    """200 whose document is an error."""


class ImageRefused(BaseFault, frozen=True, tag="image_refused"):
    """400: the prompt of an image was refused, with one of the four codes that have been seen."""

    code: Literal["content_policy_violation", "moderation_blocked", "contentFilter", "content_filter"] = (
        "content_policy_violation"
    )


class AfterDeltas(BaseFault, frozen=True):
    """The base of faults that begin after a number of deltas: 0 is before the first, too many is after the last."""

    after: Annotated[int, Meta(ge=0)] = 1


class AnswerFilter(AfterDeltas, frozen=True, tag="answer_filter"):
    """The content filter cuts the answer off: 200, finish_reason content_filter."""


class EmptyChoices(BaseFault, frozen=True, tag="empty_choices"):
    """Chunks without a choice before the first that has one, `count` in all."""

    count: Annotated[int, Meta(ge=2, le=1000)] = 3


class AsyncFilter(BaseFault, frozen=True, tag="async_filter"):
    """The asynchronous filter: text first, verdicts later. With `block` the last verdict refuses the answer."""

    block: bool = False


class FilterDown(BaseFault, frozen=True, tag="filter_down"):
    """A filter that is out of order, beside a whole answer."""


class Cut(AfterDeltas, frozen=True, tag="cut"):
    """The connection closes before the body's end."""


class End(AfterDeltas, frozen=True, tag="end"):
    """A body that ends properly, but with no finish_reason and no [DONE]."""


class NoDone(BaseFault, frozen=True, tag="no_done"):
    """The answer finishes, but [DONE] never comes."""


class Malformed(AfterDeltas, frozen=True, tag="malformed"):
    """One event of broken JSON; the rest of the stream follows."""


class ErrorEvent(AfterDeltas, frozen=True, tag="error_event"):
    """An error inside the stream, which ends with it."""


class Stall(AfterDeltas, frozen=True, tag="stall"):
    """Silence, then the stream goes on."""

    seconds: Seconds = 600


class ImageGone(BaseFault, frozen=True, tag="image_gone"):
    """The image's URL answers 404."""


class ImageNotImage(BaseFault, frozen=True, tag="image_not_image"):
    """The image's URL answers 200 with an HTML page."""


class ImageHuge(BaseFault, frozen=True, tag="image_huge"):
    """An image's URL that sends bytes without end."""


class ImageRedirect(BaseFault, frozen=True, tag="image_redirect"):
    """The image's URL redirects to another."""

    to: str

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        return of_header(given, "to")


class ImageSlow(BaseFault, frozen=True, tag="image_slow"):
    """An image's URL that is silent for some seconds before it answers."""

    seconds: Seconds = 60


class ItemsFail(BaseFault, frozen=True, tag="items_fail"):
    """207: the first `count` documents of a batch fail with this status, and stay as they were."""

    count: Annotated[int, Meta(ge=1)] = 1
    status: int = 503


class ShownLate(BaseFault, frozen=True, tag="shown_late"):
    """200, but searches find the documents of the batch only some seconds later, as at Azure."""

    seconds: Seconds = 2


# In place of an answer, whatever the call.
ErrorFault = Status | PromptFilter | Refuse | ContextLength | AccountBlocked | ImageRefused | Html | Error200
# The stream itself breaks, whatever is in it.
Breakage = Cut | End | Malformed | ErrorEvent | Stall
# In the middle of a chat answer.
StreamFault = AnswerFilter | EmptyChoices | AsyncFilter | FilterDown | NoDone | Breakage
# At the URL of an image.
UrlFault = ImageGone | ImageNotImage | ImageHuge | ImageRedirect | ImageSlow
# In place of an answer of Azure AI Search.
SearchFault = Status | Html
# In a batch of documents.
BatchFault = ItemsFail | ShownLate
Fault = ErrorFault | StreamFault | UrlFault | SearchFault | BatchFault

KINDS: dict[str, type[Fault]] = {str(fault.__struct_config__.tag): fault for fault in get_args(Fault)}
