"""Azure's errors, in Azure's own words and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

# From Microsoft's documentation and from reported answers; no live Azure was asked.
WRONG_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
WRONG_ENTRA = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect "
    "(https://cognitiveservices.azure.com), or have expired."
)
NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again."
)
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
# The same error as a document of its own: with status 200, or in the middle of a stream.
SERVER_ERROR_DOCUMENT: dict[str, object] = {
    "error": {"message": SERVER_ERROR, "type": "server_error", "param": None, "code": None},
}
OWN_FAILURE = "The emulator itself has failed, which no script asked for; its log says why."


@dataclass(frozen=True, slots=True)
class ArgumentRefused:
    name: str


@dataclass(frozen=True, slots=True)
class ContextTooLong:
    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a script says in place of the usual words."""

    message: str | None
    code: str | None


Cause = ArgumentRefused | ContextTooLong | OwnWords


class AzureError(Exception):
    """An answer with an error status. `body` is the whole JSON document; `headers` come beside the usual ones.

    `cause` is what another engine would have to know to say it in its words.
    """

    def __init__(
        self,
        status: int,
        body: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.cause = cause


def gateway_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> AzureError:
    """The gateway's shape: `{"error": {"code", "message"}}`."""
    return AzureError(status, {"error": {"code": code, "message": message}}, headers)


def invalid_request(
    message: str, param: str | None = None, code: str | None = None, cause: Cause | None = None
) -> AzureError:
    """The model's own 400: `{"error": {"message", "type": "invalid_request_error", "param", "code"}}`."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return AzureError(400, {"error": error}, cause=cause)


def missing_parameter(param: str) -> AzureError:
    return invalid_request(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def wrong_type(param: str, expected: str) -> AzureError:
    return invalid_request(f"Invalid type for '{param}': expected {expected}.", param, "invalid_type")


def invalid_value(param: str, reason: str) -> AzureError:
    return invalid_request(f"Invalid value for '{param}': {reason}.", param, "invalid_value")


def json_not_mentioned(param: str, where: str, setting: str) -> AzureError:
    """Models asked for any JSON object without a word of it write blanks without end."""
    message = f"{where} must contain the word 'json' in some form, to use '{setting}' of type 'json_object'."
    return invalid_request(message, param)


def empty_array(param: str) -> AzureError:
    message = (
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    )
    return invalid_request(message, param, "empty_array")


def nothing_to_answer() -> AzureError:
    """What the Responses API says of an empty input that continues nothing."""
    message = 'One of "input" or "previous_response_id" or "prompt" or "conversation_id" must be provided.'
    return invalid_request(message, "input", "missing_required_parameter")


def unrecognized_argument(argument: str) -> AzureError:
    """What chat and embeddings say of an unknown argument; it names no `param`."""
    return invalid_request(f"Unrecognized request argument supplied: {argument}", cause=ArgumentRefused(argument))


def unknown_parameter(param: str) -> AzureError:
    """What image generation and the Responses API say of an unknown argument."""
    return invalid_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter", ArgumentRefused(param))


def unsupported_parameter(param: str) -> AzureError:
    hint = " Use 'max_completion_tokens' instead." if param == "max_tokens" else ""
    message = f"Unsupported parameter: '{param}' is not supported with this model.{hint}"
    return invalid_request(message, param, "unsupported_parameter", ArgumentRefused(param))


def unsupported_value(param: str, value: object) -> AzureError:
    message = (
        f"Unsupported value: '{param}' does not support {value} with this model. "
        "Only the default (1) value is supported."
    )
    return invalid_request(message, param, "unsupported_value", ArgumentRefused(param))


def context_length(limit: int, used: int) -> AzureError:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. "
        "Please reduce the length of the messages."
    )
    return invalid_request(message, "messages", "context_length_exceeded", ContextTooLong(limit, used))


def input_too_long() -> AzureError:
    """What the Responses API says where the conversation is too long."""
    message = "Your input exceeds the context window of this model. Please adjust your input and try again."
    return invalid_request(message, "input", "context_length_exceeded")


def wrong_key() -> AzureError:
    return gateway_error(401, "401", WRONG_KEY)


def wrong_token() -> AzureError:
    return AzureError(401, {"statusCode": 401, "message": WRONG_ENTRA})


def unknown_deployment() -> AzureError:
    return gateway_error(404, "DeploymentNotFound", NO_DEPLOYMENT)


def not_found() -> AzureError:
    return gateway_error(404, "404", "Resource not found. This path is not emulated.")


def unsupported_version() -> AzureError:
    return gateway_error(400, "BadRequest", "API version not supported")


def unsupported_operation(operation: str, deployment: str) -> AzureError:
    message = (
        f"The {operation} operation does not work with the specified model, {deployment}. "
        "Please choose different model and try again."
    )
    return gateway_error(400, "OperationNotSupported", message)


def own_failure() -> AzureError:
    """What the emulator answers where it fails itself: Azure's shape, in words that no script has asked for."""
    error = {"message": OWN_FAILURE, "type": "server_error", "param": None, "code": None}
    return AzureError(500, {"error": error})
