"""Errors that reach people, and their words.

    ServiceError               said before a stream starts: a status and a JSON body
    TurnError                  ends a turn: said in the stream, as one line
      UpstreamError            the model API failed
        UnsupportedParameter   it refused an optional parameter by name
        ContextExceeded        the request is longer than the model can read
        PromptRefused          its filter refused the prompt
      ImageError             an image could not be fetched, or is none that can be shown
    SettingsError              said at the start, of all that is wrong at once (settings.py)

Whatever else is raised is a defect of ours: a 500, or `INTERNAL` in a stream, and the log has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

INTERNAL = "Something went wrong on our side. Please try again."
NOT_STORED = "The answer could not be stored. The operator should check the disk and the log."


class ServiceError(Exception):
    """An answer that is an error. `message` is for people; `headers` go out with it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> ServiceError:
    """A body or a header that is malformed; the message names the field."""
    return ServiceError(400, "bad_request", message)


def unusable(message: str) -> ServiceError:
    """A well-formed value that cannot be used here."""
    return ServiceError(422, "unprocessable", message)


def not_found() -> ServiceError:
    """What does not exist, and what belongs to somebody else: the same words."""
    return ServiceError(404, "not_found", "There is nothing here.")


class TurnError(Exception):
    """What ends a turn. `message` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ImageError(TurnError):
    """An image that could not be fetched, or bytes that are none that can be shown; the message says why."""


class UpstreamError(TurnError):
    """The model API failed. `message` holds nothing of the upstream's own words.

    `retry_after` is in seconds, where the upstream asked for a wait; `retryable` says that asking again may help;
    `refused` that the model was reached and took the request for a bad one.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after: float | None = None, refused: bool = False
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.refused = refused


class UnsupportedParameter(UpstreamError):
    """The model refused one parameter; `parameter` is its name in the request."""

    def __init__(self, parameter: str) -> None:
        super().__init__(
            f"The model refused the request's '{parameter}'. The operator should check the settings of this model."
        )
        self.parameter = parameter


class ContextExceeded(UpstreamError):
    """The request is longer than the model can read; `limit` is what it can, in tokens, where it said so."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__("The conversation is longer than this model can read. Please begin a new one.")
        self.limit = limit


class PromptRefused(UpstreamError):
    """The content filter refused the prompt: it must never be sent again."""

    def __init__(self, message: str = "The request was refused by the content filter. Please rephrase it.") -> None:
        super().__init__(message)
