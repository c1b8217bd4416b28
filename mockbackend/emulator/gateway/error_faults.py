"""The faults that stand in place of an answer, as a reply or as an error of Azure's."""

from collections.abc import Mapping
from http import HTTPStatus

from ..script import faults
from . import content_filter as filters
from . import errors, wire
from .call import Call, Operation
from .reply import Reply, whole

PAGE = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Something is in between</h1></body></html>"
HTML = "text/html; charset=utf-8"

PROMPT_REFUSED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
PICTURE_REFUSED = (
    "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by "
    "our safety system."
)
BLOCKED = (
    "Your resource has been temporarily blocked because we detected behavior that may violate our content policy. "
    "Contact Azure support to have it unblocked."
)
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
FIREWALL = "Access denied due to Virtual Network/Firewall rules."


def refuse(fault: faults.Fault | None, call: Call) -> Reply | None:
    """The reply that a fault puts in the answer's place, None where there is to be an answer; raises AzureError."""
    match fault:
        case faults.Status():
            return _status(fault, call)
        case faults.Html():
            return html()
        case faults.Error200():
            error = {"message": SERVER_ERROR, "type": "server_error", "param": None, "code": None}
            return whole(wire.json_bytes({"error": error}), wire.azure_headers(wire.JSON))
        case faults.PromptFilter(variant):
            raise _prompt_filter(variant)
        case faults.Refuse():
            if fault.parameter in call.body:
                raise _parameter(fault, call)
        case faults.ContextLength():
            raise errors.context_length(128_000, 131_072)
        case faults.AccountBlocked():
            raise errors.coded(403, "Forbidden", BLOCKED)
        case faults.ImageRefused(code):
            raise _picture(code)
    return None


def html(status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return whole(PAGE, {**wire.azure_headers(HTML), **(headers or {})}, status)


def error_reply(error: errors.AzureError) -> Reply:
    return whole(wire.json_bytes(error.body), {**wire.azure_headers(wire.JSON), **error.headers}, error.status)


def _status(fault: faults.Status, call: Call) -> Reply:
    headers = {}
    if fault.retry_after is not None:
        headers["retry-after"] = _number(fault.retry_after)
    if fault.retry_after_ms is not None:
        headers["retry-after-ms"] = _number(fault.retry_after_ms)
    match fault.body:
        case "html":
            return html(fault.status, headers)
        case "empty":
            return whole(b"", {**wire.azure_headers(HTML), **headers}, fault.status)
        case "azure":
            return error_reply(errors.AzureError(fault.status, _status_body(fault, call), headers))


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _status_body(fault: faults.Status, call: Call) -> dict[str, object]:
    """Azure's words for the status, unless the script has its own."""
    code: str | None
    match fault.status:
        case 401:
            code, message = "401", errors.WRONG_KEY
        case 403:
            code, message = "403", FIREWALL
        case 404:
            code, message = "DeploymentNotFound", errors.NO_DEPLOYMENT
        case 408:
            code, message = "Timeout", "The operation was timeout."
        case 429:
            code, message = "429", _rate_limit(fault, call)
        case status if status >= 500:
            code, message = None, SERVER_ERROR
        case status:
            code, message = str(status), HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    error: dict[str, object] = {"code": fault.code or code, "message": fault.message or message}
    if fault.status >= 500:
        error |= {"type": "server_error", "param": None}
    return {"error": error}


def _rate_limit(fault: faults.Status, call: Call) -> str:
    seconds = fault.retry_after
    if seconds is None:
        seconds = fault.retry_after_ms / 1000 if fault.retry_after_ms is not None else 1
    return (
        f"Requests to the {call.operation.limit} Operation under Azure OpenAI API version {call.version} have exceeded "
        f"token rate limit of your current OpenAI S0 pricing tier. Please retry after {_number(seconds)} seconds. "
        "Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."
    )


def _prompt_filter(variant: str) -> errors.AzureError:
    error: dict[str, object] = {
        "message": PROMPT_REFUSED,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
    }
    # Written both ways by Azure, and with the results under two names.
    results = {"innererror": "content_filter_result", "inner_error": "content_filter_results"}
    if variant in results:
        error[variant] = {"code": "ResponsibleAIPolicyViolation", results[variant]: filters.PROMPT_BLOCKED}
    return errors.AzureError(400, {"error": error})


def _parameter(fault: faults.Refuse, call: Call) -> errors.AzureError:
    match fault.style:
        case "parameter":
            return errors.unsupported_parameter(fault.parameter)
        case "value":
            return errors.unsupported_value(fault.parameter, call.body[fault.parameter])
        case "unknown" if call.operation is Operation.IMAGE:
            return errors.unknown_parameter(fault.parameter)
        case "unknown":
            return errors.unrecognized(fault.parameter)


def _picture(code: str) -> errors.AzureError:
    error: dict[str, object]
    if code == "moderation_blocked":
        message = f"{PICTURE_REFUSED} safety_violations=[violence]"
        error = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    else:
        inner = {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_results": filters.PROMPT_BLOCKED,
            "revised_prompt": "A picture of something that is not allowed",
        }
        error = {"code": code, "inner_error": inner, "message": PICTURE_REFUSED, "type": "invalid_request_error"}
    return errors.AzureError(400, {"error": error})
