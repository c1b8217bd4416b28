"""An embedding request, checked as Azure checks it."""

from dataclasses import dataclass

from ..gateway import errors, tokens
from ..gateway.call import Call

ARGUMENTS = frozenset({"input", "model", "dimensions", "encoding_format", "user"})
MAX_INPUTS = 2048
MAX_TOKENS = 8192
SMALL = 1536
LARGE = 3072


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """The inputs as texts; numbers of tokens stand for words of their own. `base64`: how vectors are encoded."""

    texts: list[str]
    tokens: int
    dimensions: int
    base64: bool


def read_embedding(call: Call) -> EmbeddingRequest:
    """Read a call's request; AzureError 400 where Azure refuses it."""
    for argument in call.body:
        if argument not in ARGUMENTS:
            raise errors.unrecognized_argument(argument)
    texts = _texts(call.body.get("input"))
    counts = [tokens.count(text) for text in texts]
    longest = max(counts)
    if longest > MAX_TOKENS:
        raise errors.invalid_request(
            f"This model's maximum context length is {MAX_TOKENS} tokens, however you requested {longest} tokens "
            f"({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
    return EmbeddingRequest(texts, sum(counts), _dimensions(call), _base64(call))


def _texts(given: object) -> list[str]:
    if given is None:
        raise errors.missing_parameter("input")
    single = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    inputs = [given] if single else given
    if not isinstance(inputs, list) or not inputs:
        raise errors.invalid_request("'$.input' is invalid. Please check the API reference.")
    if len(inputs) > MAX_INPUTS:
        raise errors.invalid_value("input", f"{len(inputs)} inputs, but at most {MAX_INPUTS} are allowed")
    return [_text(item) for item in inputs]


def _text(item: object) -> str:
    if isinstance(item, str) and item:
        return item
    if isinstance(item, list) and item and all(isinstance(number, int) for number in item):
        return " ".join(f"t{number}" for number in item)
    raise errors.invalid_request("'$.input' is invalid. Please check the API reference.")


def _dimensions(call: Call) -> int:
    name = call.deployment.name
    given = call.body.get("dimensions")
    limit = LARGE if "large" in name else SMALL
    if given is None:
        return limit
    if "ada-002" in name:
        raise errors.invalid_request("This model does not support specifying dimensions.")
    if type(given) is not int or not 1 <= given <= limit:
        raise errors.invalid_value("dimensions", f"expected a whole number from 1 to {limit}")
    return given


def _base64(call: Call) -> bool:
    encoding = call.body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise errors.invalid_value("encoding_format", "expected 'float' or 'base64'")
    return encoding == "base64"
