"""Errors that reach people.

    ServiceError               sent before a stream starts: a status and a JSON body
    TurnError                  ends a turn: sent in its stream, as one line
      UpstreamError            the model API failed
        RequestRefused         it refused the request as it is
          UnsupportedParameter   it does not support an optional parameter, which it named
          RefusedTool            it does not take the name or the schema of a tool
          UnsupportedForm        it does not take something in this form: images, a system message, tool calls
        ContextExceeded        the request is longer than the model can read
        PromptRefused          its content filter refused the prompt
      DailyLimit               the user has spent what a day allows
      ImageError               an image could not be fetched, or is in a format that cannot be shown
    SettingsError              printed at the start, with all that is wrong (settings/)

Any other exception is a bug: a 500, or `INTERNAL` in a stream, with the traceback in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

INTERNAL = "Something went wrong on our side. Please try again."
NOT_STORED = (
    "The answer could not be stored, because the storage cannot be used right now. The operator should check the log."
)
TAKEN_OVER = "The answer was ended by another process of the service. Please reload the conversation."


class ServiceError(Exception):
    """An error response. `message` is for people; `headers` are sent with it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def in_seconds(number: float) -> str:
    """A number of seconds in words."""
    return "1 second" if number == 1 else f"{number:g} seconds"


def bad_request(message: str) -> ServiceError:
    """The error for a malformed body or header; the message names the field."""
    return ServiceError(400, "bad_request", message)


def unusable(message: str) -> ServiceError:
    """The error for a well-formed value that cannot be used here."""
    return ServiceError(422, "unprocessable", message)


def not_found() -> ServiceError:
    """The error for what does not exist, or belongs to somebody else: nobody can tell which."""
    return ServiceError(404, "not_found", "There is nothing here.")


# Why a call of the model API failed, in the words of metrics and the log.
Reason = Literal["rate_limit", "server_error", "unreachable", "timeout", "cut", "invalid_response", "refused"]


class TurnError(Exception):
    """The reason why a turn ends. `message` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DailyLimit(TurnError):
    """A limit of the day that is reached; `setting` is its name."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"You have reached your limit for today ({setting}). It begins again at midnight UTC.")


class ImageError(TurnError):
    """An image that could not be fetched, or is in a format that cannot be shown; the message says why."""


class UpstreamError(TurnError):
    """A failure of the model API. `message` never quotes it.

    `retryable` says that a retry may help, `retry_after` how many seconds it asked us to wait, and `refused` that it
    was reached and found the request invalid.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: Reason = "refused",
        retryable: bool = False,
        retry_after: float | None = None,
        refused: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after
        self.refused = refused

    @property
    def costs(self) -> bool:
        """Whether the model may have worked on an answer, though it did not arrive."""
        return self.reason in ("timeout", "cut", "invalid_response")


class RequestRefused(UpstreamError):
    """The model API refused the request as it is.

    `named` are words of the refusal that may be names of parameters, `said` are all of them, where nothing follows from
    them.
    """

    def __init__(self, message: str, named: Iterable[str] = (), said: str = "") -> None:
        super().__init__(message, refused=True)
        self.named = tuple(named)
        self.said = said


class UnsupportedParameter(RequestRefused):
    """A parameter that the model does not support; `parameter` is its name in the request, or in its messages.

    With `of_value` another value of it may do.
    """

    def __init__(self, parameter: str, named: Iterable[str] = (), *, of_value: bool = False) -> None:
        super().__init__(
            f"The model does not support the parameter '{parameter}'. The operator should check the model's settings.",
            (parameter, *named),
        )
        self.parameter = parameter
        self.of_value = of_value


class RefusedTool(RequestRefused):
    """A tool whose name or schema the model API does not take: its place in the request's list, or its name."""

    def __init__(self, message: str, index: int | None = None, name: str | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.name = name


# What a request can do without.
Form = Literal[
    "images",
    "system message",
    "tool calls",
    "call ids",
    "absent content",
    "lists of content",
    "absent reasoning",
    "unsigned calls",
    "unnamed results",
]
NO_IMAGES = (
    "This model takes no images, so it cannot see the picture. Please describe it in words, or ask the operator for a "
    "model that takes images."
)


class UnsupportedForm(RequestRefused):
    """A form of the request that the model does not take, though it might take another."""

    def __init__(self, form: Form) -> None:
        words = f"The model does not take this request ({form}). The operator can find the reason in the log."
        super().__init__(NO_IMAGES if form == "images" else words)
        self.form = form


class ContextExceeded(UpstreamError):
    """The request is longer than the model can read, with the answer that it allows.

    `limit` is how many tokens the model can read, `asked` how many it was sent, `most_answered` how long its answers
    may be: whatever it said. With `answer_too_long` only the limit of the answer is too high.
    """

    def __init__(
        self,
        limit: int | None = None,
        asked: int | None = None,
        *,
        most_answered: int | None = None,
        answer_too_long: bool = False,
    ) -> None:
        super().__init__("The conversation is longer than this model can read. Please start a new one.")
        self.limit = limit
        self.asked = asked
        self.most_answered = most_answered
        self.answer_too_long = answer_too_long


class PromptRefused(UpstreamError):
    """The content filter refused the prompt, which must never be sent again."""

    def __init__(self, message: str = "The content filter refused the request. Please rephrase it.") -> None:
        super().__init__(message)
