"""A call's place in a scenario: whose rules serve it, and whose journal has it.

The service says with each call what it is part of. Other programs name a scenario by a header, or by their key.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from ...mock.script.matching import Facts, R
from ...mock.store import DEFAULT, Entry, MockStore, Serving, UnknownScenario
from . import errors

SCENARIO_HEADER, CALL_HEADER = "x-mock-scenario", "x-mock-call"


@dataclass(frozen=True, slots=True)
class MockedCall:
    """One call. `part_of` is what the service says of it: `turn`, `userid`, `mode` and `headers`."""

    store: MockStore
    entry: Entry
    part_of: Mapping[str, object]

    @property
    def scenario(self) -> str:
        return self.entry.scenario

    def serve(self, kind: type[R], facts: Facts) -> Serving[R] | None:
        """The rule that serves this call, which has then served once more."""
        serving = self.store.servings.serve(self.scenario, kind, facts)
        if serving:
            self.entry.rule = serving.index
        return serving

    def has(self, kind: type[R]) -> bool:
        """Whether there are rules of a kind."""
        return self.store.servings.has(self.scenario, kind)


def enter(store: MockStore, request: Request, kind: str, raw: bytes, *, of_service: bool) -> MockedCall:
    """Note a call in its scenario's journal; AzureError 404 where a header names none."""
    headers = request.headers
    said = headers.get(CALL_HEADER) if of_service else None
    part_of = orjson.loads(said) if said else {}
    try:
        scenario = store.scenarios.resolve(headers.get(SCENARIO_HEADER), _key(request))
    except UnknownScenario as error:
        raise errors.gateway_error(404, "unknown_scenario", str(error)) from None
    turn = part_of.get("turn")
    entry = store.journal.begin(
        *(scenario, "model", kind, request.method, request.url.path, request.headers.raw), body=raw, turn=turn
    )
    return MockedCall(store, entry, part_of)


def mocked(request: Request) -> MockedCall:
    """The place of a request that has been entered."""
    found: MockedCall = request.scope["mocked"]
    return found


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("api-key") or (token if scheme.lower() == "bearer" else DEFAULT)
