"""A call's place in a scenario: whose rules serve it, and whose journal has it.

The service says with each call what it is part of. Other programs name a scenario by a header, or by their key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from ...mock import drawn
from ...mock.script.matching import Facts, R, nearest
from ...mock.script.rules import ChatRule, EmbeddingRule, ImageRule, Script
from ...mock.script.searching import TooSlowError, one_call
from ...mock.store import DEFAULT, Chosen, Entry, MockStore, Serving, UnknownScenario
from . import errors

# Of a call's text in a message.
SHOWN_CHARACTERS = 100
SCENARIO_HEADER, CALL_HEADER = "x-mock-scenario", "x-mock-call"


@dataclass(frozen=True, slots=True)
class MockedCall:
    """One call of a kind. `part_of` is what the service says of it: `turn`, `userid`, `mode`, `headers`, `chosen`."""

    store: MockStore
    entry: Entry
    kind: str
    part_of: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def scenario(self) -> str:
        return self.entry.scenario

    def facts(self, deployment: str, text: str, body: Mapping[str, object], **more: Any) -> Facts:
        """What rules can ask of the call: of the front end's, where the service makes it for one."""
        user = body.get("user")
        return Facts(
            deployment,
            text,
            mode=self.part_of.get("mode") or ("image" if self.kind == "image" else "chat"),
            userid=self.part_of.get("userid") or (user if isinstance(user, str) else None),
            headers=self.part_of.get("headers") or ({} if self.part_of else self.headers),
            **more,
        )

    @property
    def script(self) -> Script:
        """The script of its scenario."""
        return self.store.scenarios.open(self.scenario).script

    def serve(self, kind: type[R], facts: Facts) -> Serving[R] | None:
        """The rule that serves this call, which has then served once more.

        AzureError 404 where no rule does, and the script is strict or a recording.
        """
        with _in_time():
            serving = self.store.servings.serve(
                self.scenario, kind, facts, of_turn=self.is_of_turn, chosen=self._chosen
            )
        if serving:
            self.entry.rule = serving.index
        elif kind in (ChatRule, ImageRule, EmbeddingRule) and _must_fit(kind, script := self.script):
            asked = f"{self.kind}, {facts.text[:SHOWN_CHARACTERS]!r}"
            with _in_time():
                rules = nearest(script, kind, facts)
            message = f"No rule of scenario {self.scenario} fits this call ({asked}). {rules}"
            raise errors.gateway_error(404, "no_rule", message)
        return serving

    def upcoming(self, kind: type[R], facts: Facts) -> Serving[R] | None:
        """What `serve` would choose."""
        with _in_time():
            return self.store.servings.upcoming(
                self.scenario, kind, facts, of_turn=self.is_of_turn, chosen=self._chosen
            )

    @property
    def is_of_turn(self) -> bool:
        """Whether the service makes it for a turn."""
        return self.part_of.get("turn") is not None

    @property
    def _chosen(self) -> Chosen | None:
        chosen = self.part_of.get("chosen")
        return Chosen(**chosen) if chosen else None

    def has(self, kind: type[R]) -> bool:
        """Whether there are rules of a kind."""
        return self.store.servings.has(self.scenario, kind)


@contextmanager
def _in_time() -> Iterator[None]:
    """A choice of rules; AzureError 404 if one cannot be made in time."""
    try:
        with one_call():
            yield
    except TooSlowError as error:
        raise errors.gateway_error(404, "no_rule", str(error)) from None


def _must_fit(kind: type[Any], script: Script) -> bool:
    # A search in documents needs the vectors of the model that was recorded, for all of them.
    return script.recording is not None or (script.strict and kind is not EmbeddingRule)


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
    # The service reaches each worker's emulator at a port of its own, which is another in each run.
    sent = [one for one in headers.raw if one[0] != b"host"] if said else headers.raw
    entry = store.journal.begin(*(scenario, "model", kind, request.method, request.url.path, sent), body=raw, turn=turn)
    drawn.begin(store.source(entry, "model", kind, turn))
    return MockedCall(store, entry, kind, part_of, headers)


def mocked(request: Request) -> MockedCall:
    """The place of a request that has been entered."""
    found: MockedCall = request.scope["mocked"]
    return found


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("api-key") or (token if scheme.lower() == "bearer" else DEFAULT)
