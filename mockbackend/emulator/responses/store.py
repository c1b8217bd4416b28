"""The responses that are stored for later calls: the newest thousand, and 64 MB of them at most."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ..gateway import errors
from .items import Item

MAX_RESPONSES = 1000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response. `input` are the items of its request, `history` all that came before them."""

    document: dict[str, object]
    input: Sequence[Item]
    history: Sequence[Item]
    size: int

    @property
    def output(self) -> Sequence[Item]:
        output = self.document["output"]
        return output if isinstance(output, list) else []


class ResponseStore:
    """Responses by their ids."""

    def __init__(self) -> None:
        self._responses: OrderedDict[str, StoredResponse] = OrderedDict()
        self._bytes = 0

    def add(self, document: dict[str, object], given: Sequence[Item], history: Sequence[Item]) -> None:
        """Store a response; the oldest give way."""
        stored = StoredResponse(document, given, history, len(orjson.dumps([document, given])))
        self._responses[str(document["id"])] = stored
        self._bytes += stored.size
        while len(self._responses) > MAX_RESPONSES or (self._bytes > MAX_BYTES and len(self._responses) > 1):
            self._bytes -= self._responses.popitem(last=False)[1].size

    def find(self, response_id: str) -> StoredResponse:
        """The response of that id; AzureError 404 if it is not stored."""
        if found := self._responses.get(response_id):
            return found
        raise errors.AzureError(404, _error(f"Response with id '{response_id}' not found.", None, None))

    def previous(self, response_id: object) -> StoredResponse:
        """The response that a request goes on from; AzureError 400 if it is not stored."""
        if found := self._responses.get(response_id) if isinstance(response_id, str) else None:
            return found
        message = f"Previous response with id '{response_id}' not found."
        raise errors.AzureError(400, _error(message, "previous_response_id", "previous_response_not_found"))

    def item(self, item_id: str) -> Item:
        """The item of that id, of any stored response; AzureError 404 if there is no such item."""
        for stored in reversed(self._responses.values()):
            for item in (*stored.output, *stored.input):
                if item.get("id") == item_id:
                    return item
        message = f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false."
        raise errors.AzureError(404, _error(message, "input", None))

    def delete(self, response_id: str) -> None:
        """Forget a response; AzureError 404 if it is not stored."""
        self._bytes -= self.find(response_id).size
        del self._responses[response_id]


def _error(message: str, param: str | None, code: str | None) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
