"""Faults that replace an answer: as a reply, or as one of Azure's errors."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import assert_never

from ...mock.script import faults
from . import content_filter, errors, wire
from .call import Call, Operation
from .reply import Reply

PAGE = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Something is in between</h1></body></html>"
HTML = "text/html; charset=utf-8"

PROMPT_REFUSED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
IMAGE_REFUSED = (
    "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by "
    "our safety system."
)
ACCOUNT_BLOCKED = (
    "Your resource has been temporarily blocked because we detected behavior that may violate our content policy. "
    "Contact Azure support to have it unblocked."
)
FIREWALL = "Access denied due to Virtual Network/Firewall rules."


def error_reply(fault: faults.ErrorFault, call: Call) -> Reply | None:
    """The page or empty reply that replaces the answer; None where this call is answered all the same.

    AzureError where it is an error of the API.
    """
    match fault:
        case faults.Status():
            return _status(fault, call)
        case faults.Html():
            return html_reply()
        case faults.Error200():
            raise errors.AzureError(200, errors.SERVER_ERROR_DOCUMENT)
        case faults.PromptFilter(variant, category):
            raise _prompt_filter(variant, category)
        case faults.Refuse(parameter):
            if parameter not in call.body:
                return None
            raise _refused_parameter(fault, call)
        case faults.ContextLength() if call.operation is Operation.RESPONSE:
            raise errors.input_too_long()
        case faults.ContextLength():
            raise errors.context_length(128_000, 131_072)
        case faults.AccountBlocked():
            raise errors.gateway_error(403, "Forbidden", ACCOUNT_BLOCKED)
        case faults.ImageRefused(code):
            raise _refused_image(code)
        case _:
            assert_never(fault)


def html_reply(status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A page, as a proxy sends one in place of the API's answer."""
    return Reply.of(PAGE, {**wire.azure_headers(HTML), **(headers or {})}, status)


def retry_headers(fault: faults.Status) -> dict[str, str]:
    """The retry headers that a script gives."""
    given = {"retry-after": fault.retry_after, "retry-after-ms": fault.retry_after_ms}
    return {name: _number(value) for name, value in given.items() if value is not None}


def reason_phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _status(fault: faults.Status, call: Call) -> Reply:
    headers = retry_headers(fault)
    match fault.body:
        case "html":
            return html_reply(fault.status, headers)
        case "empty":
            return Reply.of(b"", {**wire.azure_headers(HTML), **headers}, fault.status)
        case "azure":
            cause = errors.OwnWords(fault.message, fault.code)
            raise errors.AzureError(fault.status, _status_body(fault, call), headers, cause)
        case _:
            assert_never(fault.body)


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
            code, message = None, errors.SERVER_ERROR
        case status:
            code, message = str(status), reason_phrase(status)
    error: dict[str, object] = {"code": fault.code or code, "message": fault.message or message}
    if fault.status >= 500:
        error |= {"type": "server_error", "param": None}
    return {"error": error}


def _rate_limit(fault: faults.Status, call: Call) -> str:
    seconds = fault.retry_after
    if seconds is None:
        seconds = fault.retry_after_ms / 1000 if fault.retry_after_ms is not None else 1
    return (
        f"Requests to the {call.operation.limit_name} Operation under Azure OpenAI API version {call.version} have "
        f"exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after {_number(seconds)} "
        "seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default "
        "rate limit."
    )


def _prompt_filter(variant: str, category: str) -> errors.AzureError:
    error: dict[str, object] = {
        "message": PROMPT_REFUSED,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
    }
    # Azure writes it both ways, and the results under two names.
    results = {"innererror": "content_filter_result", "inner_error": "content_filter_results"}
    if variant in results:
        error[variant] = {
            "code": "ResponsibleAIPolicyViolation",
            results[variant]: content_filter.prompt_blocked(category),
        }
    return errors.AzureError(400, {"error": error})


def _refused_parameter(fault: faults.Refuse, call: Call) -> errors.AzureError:
    match fault.style:
        case "parameter":
            return errors.unsupported_parameter(fault.parameter)
        case "value":
            return errors.unsupported_value(fault.parameter, call.body[fault.parameter])
        case "unknown" if call.operation in (Operation.IMAGE, Operation.IMAGE_EDIT, Operation.RESPONSE):
            return errors.unknown_parameter(fault.parameter)
        case "unknown":
            return errors.unrecognized_argument(fault.parameter)
        case _:
            assert_never(fault.style)


def _refused_image(code: str) -> errors.AzureError:
    error: dict[str, object]
    if code == "moderation_blocked":
        message = f"{IMAGE_REFUSED} safety_violations=[violence]"
        error = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    else:
        inner = {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_results": content_filter.prompt_blocked("violence"),
            "revised_prompt": "An image of something that is not allowed",
        }
        error = {"code": code, "inner_error": inner, "message": IMAGE_REFUSED, "type": "invalid_request_error"}
    return errors.AzureError(400, {"error": error})
