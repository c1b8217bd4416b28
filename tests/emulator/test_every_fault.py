"""The faults as a table: each belongs to a kind of call, is handled there, and changes the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

import httpx2
import pytest

from mockbackend.mock.script import faults, rules
from tests.emulator.conftest import Emulate
from tests.harness.emulator import HI, VERSION, Emulator

RULES = {str(rule.__struct_config__.tag): rule for rule in get_args(rules.Rule)}
CASES = [
    (kind, str(fault.__struct_config__.tag))
    for kind, rule in RULES.items()
    for fault in get_args(get_type_hints(rule)["fault"])
    if fault is not NoneType
]
# What only chat completions have.
CHOICES = ("empty_choices",)
# The other wire of chat.
CASES += [("response", fault) for kind, fault in CASES if kind == "chat" and fault not in CHOICES]
# Parameters that a fault cannot do without.
REQUIRED: dict[str, dict[str, object]] = {
    "status": {"status": 503},
    "refuse": {"parameter": "user"},
    "image_redirect": {"to": "http://10.0.0.1/"},
}
SLOW = ("stall", "image_slow")
INDEX = {
    "name": "docs",
    "fields": [{"name": "id", "type": "Edm.String", "key": True}, {"name": "text", "type": "Edm.String"}],
}
VERSIONED = f"api-version={VERSION}"
SEARCH = ("/indexes('docs')/docs/search.post.search", {"search": "x"})
CALLS: dict[str, list[tuple[str, Any]]] = {
    "chat": [("/openai/deployments/gpt-4o/chat/completions", {"messages": HI, "user": "u", "stream": True})],
    "response": [("/openai/responses", {"model": "gpt-4o", "input": "hi", "user": "u", "stream": True})],
    "image": [("/openai/deployments/dall-e-3/images/generations", {"prompt": "x", "user": "u"})],
    "embedding": [("/openai/deployments/embedding/embeddings", {"input": "x", "user": "u"})],
    "search": [SEARCH],
    "indexing": [("/indexes('docs')/docs/search.index", {"value": [{"id": "1", "text": "x"}]}), SEARCH],
}
# What differs between two answers to the same call.
RANDOM = re.compile(
    rb'"(?:created|created_at|completed_at)":\d+|"(?:item_)?id":"(?:chatcmpl-|resp_|msg_)\w+"'
    rb"|/generated/[\w-]+|http://127.0.0.1:\d+"
)
ENOUGH = 1_000_000


def subclasses(cls: type[object]) -> Iterator[type[object]]:
    for one in cls.__subclasses__():
        yield one
        yield from subclasses(one)


def test_every_fault_stands_in_a_union() -> None:
    assert {*subclasses(faults.BaseFault)} - {faults.AfterDeltas} == {*get_args(faults.Fault)}


def test_every_fault_belongs_to_a_kind_of_call() -> None:
    assert {fault for _, fault in CASES} == set(faults.KINDS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client gets. `ending`: a body may also break off, fall silent, or never end."""

    status: int
    location: str
    body: bytes
    ending: str


async def exchange(served: Emulator, method: str, url: str, body: Any, patience: float = 20) -> Outcome:
    raw, status, location, ending = b"", 0, "", "whole"
    async with served.http() as http:
        try:
            async with http.stream(method, url, json=body, timeout=patience) as response:
                status, location = response.status_code, response.headers.get("location", "")
                async for piece in response.aiter_raw():
                    raw += piece
                    if len(raw) > ENOUGH:
                        ending = "endless"
                        break
        except httpx2.RemoteProtocolError:
            ending = "broken"
        except httpx2.ReadTimeout:
            ending = "silent"
    return Outcome(status, location, raw, ending)


async def outcomes(served: Emulator, kind: str, patience: float = 20) -> list[Outcome]:
    """What comes of a call of a kind, and of looking at its results."""
    if kind in ("search", "indexing"):
        await exchange(served, "POST", f"/indexes?{VERSIONED}", INDEX)
    found = [await exchange(served, "POST", f"{path}?{VERSIONED}", body, patience) for path, body in CALLS[kind]]
    if url := re.search(rb'"url":"([^"]+)"', found[0].body):
        found.append(await exchange(served, "GET", url[1].decode(), None, patience))
    return [replace(one, body=RANDOM.sub(b"", one.body)) for one in found]


@pytest.fixture(scope="module")
def usual() -> dict[str, list[Outcome]]:
    """What comes of each kind of call without a fault, once that is known."""
    return {}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("kind", "fault"), CASES)
async def test_every_fault_changes_the_answer(
    emulate: Emulate, usual: dict[str, list[Outcome]], kind: str, fault: str
) -> None:
    is_chat = kind in ("chat", "response")
    rule: dict[str, Any] = {"kind": "chat", "text": ["one", "two", "three"]} if is_chat else {"kind": kind}
    faulty = {**rule, "fault": {"kind": fault, **REQUIRED.get(fault, {})}}
    if kind not in usual:
        usual[kind] = await outcomes(emulate(json.dumps({"rules": [rule]})), kind)
    changed = await outcomes(emulate(json.dumps({"rules": [faulty]})), kind, 0.3 if fault in SLOW else 20)
    assert {one.status for one in usual[kind]} == {200}
    assert changed != usual[kind]
