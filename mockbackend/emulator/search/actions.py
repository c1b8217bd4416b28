"""A batch of documents: `search.index`, whose answer has a status for each of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..script import faults
from . import errors
from .indexes import Index, Indexes
from .schema import Schema

MOST_ACTIONS = 1000
MOST_BYTES = 16 * 1024 * 1024
ACTIONS = ("upload", "merge", "mergeOrUpload", "delete")
# Azure keys may be 1,024 characters long and begin with no underscore.
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
    """One document and what is to be done with it."""

    kind: str
    key: str
    document: Mapping[str, object]


def read_actions(body: Mapping[str, object], schema: Schema) -> list[Action]:
    """The actions of a batch; AzureError 400 where one of them is wrong, which refuses all."""
    given = body.get("value")
    if not isinstance(given, list) or not given:
        raise errors.invalid("actions : No indexing actions found in the request.", "MissingRequiredParameter")
    if len(given) > MOST_ACTIONS:
        raise errors.invalid(
            f"actions : Too many indexing actions found in the request: {len(given)}. The limit is {MOST_ACTIONS}."
        )
    return [_read_action(number, one, schema) for number, one in enumerate(given)]


def perform(
    actions: list[Action], index: Index, indexes: Indexes, fault: faults.IndexingFault | None
) -> list[dict[str, object]]:
    """Do them all, but for those that the fault lets fail, and tell how each went."""
    results: list[dict[str, object]] = []
    for number, action in enumerate(actions):
        if isinstance(fault, faults.ItemsFail) and number < fault.count:
            message = FAILED.get(fault.status, "The document could not be indexed.")
            results.append(_result(action.key, fault.status, message))
            continue
        if action.kind != "delete":
            indexes.check_room()
        results.append(_perform(action, index))
        if isinstance(fault, faults.ShownLate):
            index.hide(action.key, fault.seconds)
    return results


def _perform(action: Action, index: Index) -> dict[str, object]:
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
        raise errors.invalid(f"actions : {number}: Every action must be an object.")
    kind = given.get("@search.action", "upload")
    if kind not in ACTIONS:
        raise errors.invalid(f"actions : {number}: Invalid indexing action '{kind}'.")
    document = {name: value for name, value in given.items() if not name.startswith("@")}
    key = document.get(schema.key)
    if not isinstance(key, str) or not key:
        raise errors.invalid(f"actions : {number}: Document key cannot be missing or empty.", "MissingKeyField")
    if not KEY.fullmatch(key):
        raise errors.coded(
            400,
            f"Invalid document key: '{key}'. Keys can only contain letters, digits, underscore (_), dash (-), or "
            "equal sign (=).",
            "InvalidName",
        )
    # Of a document that is to be deleted, only the key is read.
    if kind != "delete":
        for name, value in document.items():
            _check_value(number, name, value, schema)
    return Action(kind, key, document)


def _check_value(number: int, name: str, value: object, schema: Schema) -> None:
    field = schema.fields.get(name)
    if field is None:
        raise errors.invalid(
            f"actions : {number}: The property '{name}' does not exist on type 'search.documentFields'. Make sure to "
            "only use property names that are defined by the type."
        )
    if not field.takes(value):
        raise errors.invalid(f"actions : {number}: Cannot convert the value of '{name}' to '{field.type}'.")
    if field.dimensions is not None and isinstance(value, list) and len(value) != field.dimensions:
        mismatch = wrong_length(name, field.dimensions, len(value))
        raise errors.invalid(f"actions : {number}: {mismatch}", "OperationNotAllowed")


def wrong_length(name: str, wanted: int, given: int) -> str:
    """What Azure says of a vector that does not fit its field, in a document and in a query."""
    return (
        f"There's a mismatch in vector dimensions. The vector field '{name}', with dimension of '{wanted}', expects a "
        f"length of '{wanted}'. However, the provided vector has a length of '{given}'. Please ensure that the vector "
        "length matches the expected length of the vector field."
    )
