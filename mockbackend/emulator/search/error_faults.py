"""The faults that a script can ask for, as answers of Azure AI Search."""

from http import HTTPStatus

from ..gateway import wire
from ..gateway.error_faults import html
from ..gateway.reply import Reply, whole
from ..script import faults
from . import errors


def refusal(fault: faults.IndexingFault | None) -> Reply | None:
    """The reply in the answer's place, None where there is to be an answer."""
    match fault:
        case faults.Html():
            return html()
        case faults.Status(body="html"):
            return html(fault.status, _retry_headers(fault))
        case faults.Status(body="empty"):
            return whole(b"", _retry_headers(fault), fault.status)
        case faults.Status():
            error = errors.coded(fault.status, fault.message or _words(fault.status), fault.code or "")
            return whole(
                wire.json_bytes(error.body), {"content-type": wire.JSON, **_retry_headers(fault)}, fault.status
            )
    return None


def _retry_headers(fault: faults.Status) -> dict[str, str]:
    given = {"retry-after": fault.retry_after, "retry-after-ms": fault.retry_after_ms}
    return {
        name: value if isinstance(value, str) else f"{value:g}" for name, value in given.items() if value is not None
    }


def _words(status: int) -> str:
    match status:
        case 403:
            return errors.WRONG_KEY
        case 413:
            return errors.TOO_LARGE
        case 429:
            return errors.THROTTLED
        case _:
            return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
