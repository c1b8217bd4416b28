"""The responses that are stored for later calls: the newest thousand, and 64 MB of them at most."""

from collections.abc import Sequence

import msgspec
import orjson

from ...mock.store import MockStore
from ..gateway import errors
from .items import Item

MAX_RESPONSES = 1000
MAX_BYTES = 64 * 1024 * 1024


class StoredResponse(msgspec.Struct, frozen=True):
    """A response. `input` are the items of its request, `history` all that came before them."""

    document: dict[str, object]
    input: Sequence[dict[str, object]]
    history: Sequence[dict[str, object]]

    @property
    def output(self) -> Sequence[Item]:
        output = self.document["output"]
        return output if isinstance(output, list) else []


class ResponseStore:
    """The responses of a scenario, by their ids."""

    def __init__(self, store: MockStore, scenario: str) -> None:
        self._kept = store.kept("response", MAX_RESPONSES, MAX_BYTES)
        self._scenario = scenario

    def add(self, document: dict[str, object], given: Sequence[Item], history: Sequence[Item]) -> None:
        """Store a response; the oldest give way."""
        value = orjson.dumps({"document": document, "input": given, "history": history})
        self._kept.add(self._scenario, str(document["id"]), value)

    def find(self, response_id: str) -> StoredResponse:
        """The response of that id; AzureError 404 if it is not stored."""
        if found := self._kept.find(response_id, self._scenario):
            return _decoded(found)
        raise errors.AzureError(404, _error(f"Response with id '{response_id}' not found.", None, None))

    def previous(self, response_id: object) -> StoredResponse:
        """The response that a request goes on from; AzureError 400 if it is not stored."""
        if isinstance(response_id, str) and (found := self._kept.find(response_id, self._scenario)):
            return _decoded(found)
        message = f"Previous response with id '{response_id}' not found."
        raise errors.AzureError(400, _error(message, "previous_response_id", "previous_response_not_found"))

    def item(self, item_id: str) -> Item:
        """The item of that id, of any stored response; AzureError 404 if there is no such item."""
        for stored in map(_decoded, self._kept.newest(self._scenario)):
            for item in (*stored.output, *stored.input):
                if item.get("id") == item_id:
                    return item
        message = f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false."
        raise errors.AzureError(404, _error(message, "input", None))

    def delete(self, response_id: str) -> None:
        """Forget a response; AzureError 404 if it is not stored."""
        self.find(response_id)
        self._kept.delete(response_id, self._scenario)


def _decoded(value: bytes) -> StoredResponse:
    return msgspec.json.decode(value, type=StoredResponse)


def _error(message: str, param: str | None, code: str | None) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
