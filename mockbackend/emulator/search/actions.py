"""Indexing actions: a batch of documents, checked and applied, with a status for each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from ...mock.script import faults
from . import errors
from .indexes import Index, Indexes
from .schema import Schema

MAX_ACTIONS = 1000
MAX_BYTES = 16 * 1024 * 1024
ACTIONS = ("upload", "merge", "mergeOrUpload", "delete")
# At most 1,024 characters, not beginning with an underscore.
KEY = re.compile(r"(?!_)[A-Za-z0-9_\-=]{1,1024}")
NO_DOCUMENT = "Document not found."
FAILED = {
    409: "Version conflict.",
    422: "The index is temporarily unavailable.",
    429: "Too many requests.",
    503: "The service is temporarily unavailable. Please retry.",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One document, and whether to upload, merge or delete it."""

    kind: str
    key: str
    document: Mapping[str, object]


def read_actions(body: Mapping[str, object], schema: Schema) -> list[Action]:
    """Read the actions of a batch; AzureError 400 refuses the whole batch if one of them is wrong."""
    given = body.get("value")
    if not isinstance(given, list) or not given:
        raise errors.invalid_request("actions : No indexing actions found in the request.", "MissingRequiredParameter")
    if len(given) > MAX_ACTIONS:
        raise errors.invalid_request(
            f"actions : Too many indexing actions found in the request: {len(given)}. The limit is {MAX_ACTIONS}."
        )
    return [_read_action(number, one, schema) for number, one in enumerate(given)]


def apply_actions(
    actions: list[Action], index: Index, indexes: Indexes, fault: faults.BatchFault | None
) -> list[dict[str, object]]:
    """Apply a batch; the result has a status for each document."""
    match fault:
        case None:
            return [_apply(action, index, indexes) for action in actions]
        case faults.ItemsFail(count, status):
            message = FAILED.get(status, "The document could not be indexed.")
            failed = [_result(action.key, status, message) for action in actions[:count]]
            return failed + [_apply(action, index, indexes) for action in actions[count:]]
        case faults.ShownLate(seconds):
            results = [_apply(action, index, indexes) for action in actions]
            for action in actions:
                index.hide(action.key, seconds)
            return results
        case _:
            assert_never(fault)


def _apply(action: Action, index: Index, indexes: Indexes) -> dict[str, object]:
    if action.kind != "delete":
        indexes.check_room()
    match action.kind:
        case "upload":
            return _result(action.key, 201 if index.put(action.document) else 200)
        case "delete":
            index.remove(action.key)
            return _result(action.key, 200)
        case "merge":
            merged = index.merge(action.document)
            return _result(action.key, 200) if merged else _result(action.key, 404, NO_DOCUMENT)
        case _:
            if index.merge(action.document):
                return _result(action.key, 200)
            index.put(action.document)
            return _result(action.key, 201)


def _result(key: str, status: int, message: str | None = None) -> dict[str, object]:
    return {"key": key, "status": message is None, "errorMessage": message, "statusCode": status}


def _read_action(number: int, given: object, schema: Schema) -> Action:
    if not isinstance(given, dict):
        raise errors.invalid_request(f"actions : {number}: Every action must be an object.")
    kind = given.get("@search.action", "upload")
    if kind not in ACTIONS:
        raise errors.invalid_request(f"actions : {number}: Invalid indexing action '{kind}'.")
    document = {name: value for name, value in given.items() if not name.startswith("@")}
    key = document.get(schema.key)
    if not isinstance(key, str) or not key:
        raise errors.invalid_request(f"actions : {number}: Document key cannot be missing or empty.", "MissingKeyField")
    if not KEY.fullmatch(key):
        raise errors.search_error(
            400,
            f"Invalid document key: '{key}'. Keys can only contain letters, digits, underscore (_), dash (-), or "
            "equal sign (=).",
            "InvalidName",
        )
    # To delete a document, its key is enough.
    if kind != "delete":
        for name, value in document.items():
            _check_value(number, name, value, schema)
    return Action(kind, key, document)


def _check_value(number: int, name: str, value: object, schema: Schema) -> None:
    field = schema.fields.get(name)
    if field is None:
        raise errors.invalid_request(
            f"actions : {number}: The property '{name}' does not exist on type 'search.documentFields'. Make sure to "
            "only use property names that are defined by the type."
        )
    if not field.accepts(value):
        raise errors.invalid_request(f"actions : {number}: Cannot convert the value of '{name}' to '{field.type}'.")
    if field.dimensions is not None and isinstance(value, list) and len(value) != field.dimensions:
        mismatch = wrong_length(name, field.dimensions, len(value))
        raise errors.invalid_request(f"actions : {number}: {mismatch}", "OperationNotAllowed")


def wrong_length(name: str, expected: int, given: int) -> str:
    """Azure's message for a vector that does not fit its field, in a document and in a query."""
    return (
        f"There's a mismatch in vector dimensions. The vector field '{name}', with dimension of '{expected}', expects "
        f"a length of '{expected}'. However, the provided vector has a length of '{given}'. Please ensure that the "
        "vector length matches the expected length of the vector field."
    )
