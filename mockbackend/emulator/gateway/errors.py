"""Azure's error answers, in Azure's own words and shapes."""

from collections.abc import Mapping

# No live Azure was asked for these words; they are Microsoft's documentation and reported answers.
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


class AzureError(Exception):
    """An answer with an error status. `body` is the whole JSON document, `headers` are added to the usual ones."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}


def coded(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> AzureError:
    """The gateway's shape: `{"error": {"code", "message"}}`."""
    return AzureError(status, {"error": {"code": code, "message": message}}, headers)


def invalid(message: str, param: str | None = None, code: str | None = None) -> AzureError:
    """The model's own 400: `{"error": {"message", "type": "invalid_request_error", "param", "code"}}`."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return AzureError(400, {"error": error})


def missing(param: str) -> AzureError:
    return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def wrong_type(param: str, wanted: str) -> AzureError:
    return invalid(f"Invalid type for '{param}': expected {wanted}.", param, "invalid_type")


def bad_value(param: str, reason: str) -> AzureError:
    return invalid(f"Invalid value for '{param}': {reason}.", param, "invalid_value")


def unrecognized(argument: str) -> AzureError:
    """What chat and embeddings say of an argument that they do not know; it names no `param`."""
    return invalid(f"Unrecognized request argument supplied: {argument}")


def unknown_parameter(param: str) -> AzureError:
    """What pictures say of an argument that they do not know."""
    return invalid(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def unsupported_parameter(param: str) -> AzureError:
    hint = " Use 'max_completion_tokens' instead." if param == "max_tokens" else ""
    message = f"Unsupported parameter: '{param}' is not supported with this model.{hint}"
    return invalid(message, param, "unsupported_parameter")


def unsupported_value(param: str, value: object) -> AzureError:
    message = (
        f"Unsupported value: '{param}' does not support {value} with this model. "
        "Only the default (1) value is supported."
    )
    return invalid(message, param, "unsupported_value")


def context_length(limit: int, used: int) -> AzureError:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. "
        "Please reduce the length of the messages."
    )
    return invalid(message, "messages", "context_length_exceeded")


def bad_key() -> AzureError:
    return coded(401, "401", WRONG_KEY)


def bad_token() -> AzureError:
    return AzureError(401, {"statusCode": 401, "message": WRONG_ENTRA})


def no_deployment() -> AzureError:
    return coded(404, "DeploymentNotFound", NO_DEPLOYMENT)


def not_found() -> AzureError:
    return coded(404, "404", "Resource not found")


def bad_version() -> AzureError:
    return coded(400, "BadRequest", "API version not supported")


def wrong_kind(operation: str, deployment: str) -> AzureError:
    message = (
        f"The {operation} operation does not work with the specified model, {deployment}. "
        "Please choose different model and try again."
    )
    return coded(400, "OperationNotSupported", message)
