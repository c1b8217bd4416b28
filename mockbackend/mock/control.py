"""The control API: what a test asks of scenarios, apart from HTTP, since the emulator alone has it too."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from ..errors import ServiceError
from .schema import script_schema
from .script import InvalidScript, TooLarge, read_rules, read_script
from .script.help import all_that_can_be_asked
from .script.problems import Problem
from .store import DEFAULT, NAME, NAMES, Filter, MockStore, TooManyScenarios, UnknownScenario
from .store.journal import SIDES, STATES
from .verdict import Report, judge

POLL_SECONDS = 0.01
WAIT_SECONDS, MAX_WAIT_SECONDS = 10.0, 60.0
MAX_WAIT = 10_000
MAX_RELEASED = 1_000_000
# The calls of the model that need a rule each: where a script is strict, and in a replay.
STRICT = ("chat", "image")
REPLAYED = (*STRICT, "embedding")
# A larger body is refused while it arrives; scripts have smaller limits of their own.
MAX_BODY_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, and a value that is sent as JSON, or pieces of a body."""

    value: Any = None
    status: int = 200
    pieces: Iterator[bytes] | None = None
    media_type: str = "application/json"


class Control:
    """The calls below /__mock__/. `clear` removes what is stored in a scenario, and ends its answers."""

    def __init__(self, store: MockStore, clear: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._clear = clear

    async def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes, media_type: str) -> Answer:
        """Answer a call of `path`, which is without /__mock__/. Raises ServiceError."""
        try:
            return await self._answer(method, path, query, body, _is_json(media_type))
        except InvalidScript as error:
            return Answer(_invalid(error.problems), 422)
        except TooLarge as error:
            raise ServiceError(413, "too_large", str(error)) from None
        except UnknownScenario as error:
            raise ServiceError(404, "unknown_scenario", str(error)) from None
        except TooManyScenarios as error:
            raise ServiceError(422, "too_many_scenarios", str(error)) from None

    async def _answer(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, is_json: bool | None
    ) -> Answer:
        if path == "schema.json":
            _check(method, "GET")
            return Answer(script_schema())
        if path == "asked.json":
            _check(method, "GET")
            return Answer(all_that_can_be_asked())
        if path == "mock.mjs":
            _check(method, "GET")
            return Answer(pieces=iter((_helper(),)), media_type="text/javascript; charset=utf-8")
        if path == "scenarios":
            _check(method, "GET")
            return Answer(self._store.scenarios.names())
        place, _, rest = path.partition("/")
        if place != "scenarios" or not rest:
            raise ServiceError(404, "not_found", "There is nothing here.")
        name, _, action = rest.rpartition("/")
        match method, action if name else "":
            case "POST", "next":
                rules = await asyncio.to_thread(read_rules, body, is_json=is_json)
                self._store.scenarios.queue(_named(name), rules)
                return Answer({"name": name, "rules": len(rules)})
            case "GET", "journal":
                return await self._journal(_named(name), query)
            case "GET", "report":
                return await self._report(_named(name))
            case "POST", "release":
                return self._release(_named(name), body)
            case _, "next" | "journal" | "release" | "report":
                _check(method, "GET" if action in ("journal", "report") else "POST")
        name = _named(rest)
        match method:
            case "PUT":
                document = await asyncio.to_thread(read_script, body, is_json=is_json)
                if name != DEFAULT:
                    await self._clear(name)
                self._store.scenarios.put(name, document)
                return Answer({"name": name, "rules": len(document["rules"])})
            case "GET":
                return Answer(self._state(name))
            case "DELETE":
                return await self._delete(name)
        _check(method, "PUT", "GET", "DELETE")
        raise AssertionError

    def _release(self, name: str, body: bytes) -> Answer:
        try:
            given = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            given = None
        count = given.get("count") if isinstance(given, dict) else None
        is_count = type(count) is int and 1 <= count <= MAX_RELEASED
        if not isinstance(given, dict) or set(given) - {"count"} or not (count is None or is_count):
            raise ServiceError(422, "unprocessable", 'The body must be empty, or as {"count": 3}.')
        if not self._store.scenarios.exists(name):
            raise UnknownScenario(name)
        return Answer({"released": self._store.holds.release(name, count)})

    async def _delete(self, name: str) -> Answer:
        if name == DEFAULT:
            self._store.scenarios.reset_default()
        elif not self._store.scenarios.delete(name):
            raise UnknownScenario(name)
        else:
            await self._clear(name)
        return Answer(None, 204)

    def _state(self, name: str) -> dict[str, Any]:
        scenarios, journal = self._store.scenarios, self._store.journal
        script = scenarios.document(name)
        served = scenarios.served(name)
        indexes = range(len(script["rules"]))
        return {
            "name": name,
            "script": script,
            "rules": [{"index": index, "served": served.get(index, 0)} for index in indexes],
            "never_served": [index for index in indexes if not served.get(index)],
            "unmatched": journal.unmatched(name),
            "problems": scenarios.problems(name),
        }

    async def _report(self, name: str) -> Answer:
        script = self._store.scenarios.document(name)
        never_served = self._state(name)["never_served"]
        must_match = REPLAYED if script.get("recording") else STRICT if script.get("strict") else ()
        report = await asyncio.to_thread(self._judge, name, never_served, must_match)
        return Answer(report.to_json())

    def _judge(self, name: str, never_served: list[int], must_match: Collection[str]) -> Report:
        batches = self._store.journal.read(name, Filter())
        return judge([entry for batch in batches for entry in batch], never_served, must_match=must_match)

    async def _journal(self, name: str, query: Mapping[str, str]) -> Answer:
        if unknown := set(query) - {"on", "side", "state", "wait", "timeout"}:
            raise _bad_query(f"{min(unknown)}: there are on, side, state, wait and timeout.")
        chosen = Filter(query.get("on"), _one_of(query, "side", SIDES), _one_of(query, "state", STATES))
        wanted = int(_number(query, "wait", 0, MAX_WAIT))
        limit = _number(query, "timeout", WAIT_SECONDS, MAX_WAIT_SECONDS)
        if not self._store.scenarios.exists(name):
            raise UnknownScenario(name)
        deadline, seen, found = time.monotonic() + limit, None, 0
        while wanted:
            if (version := self._store.version()) != seen:
                if not self._store.scenarios.exists(name):
                    raise UnknownScenario(name)
                seen, found = version, self._store.journal.count(name, chosen, wanted)
            if found >= wanted:
                break
            if time.monotonic() >= deadline:
                what = f"in the state {chosen.state}" if chosen.state else "that have ended"
                message = f"There are {found} calls {what}, not {wanted}, after {limit:g} seconds."
                error = {"code": "timeout", "message": message}
                entries = _array(self._store.journal.read(name, chosen))
                return Answer(None, 408, _object(error, entries))
            await asyncio.sleep(POLL_SECONDS)
        return Answer(pieces=_array(self._store.journal.read(name, chosen)))


@cache
def _helper() -> bytes:
    """The JavaScript that tests import."""
    return Path(__file__).with_name("mock.mjs").read_bytes()


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ServiceError(422, "bad_name", f"{name[:128]!r} cannot be a scenario's name. {NAMES}")
    return name


def _check(method: str, *allowed: str) -> None:
    if method not in allowed:
        names = ", ".join(allowed)
        raise ServiceError(405, "method_not_allowed", f"{method} is not allowed here, but {names}.", {"allow": names})


def _is_json(media_type: str) -> bool | None:
    """Whether the content type says so; clients that do not name one send a form's."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind.endswith(("/json", "+json")):
        return True
    return False if "yaml" in kind else None


def _invalid(problems: list[Problem]) -> dict[str, Any]:
    count = len(problems)
    words = f"The script has {count} problem{'s' if count != 1 else ''}; the first: {problems[0]}"
    return {"error": {"code": "invalid_script", "message": words}, "problems": [one.to_json() for one in problems]}


def _bad_query(message: str) -> ServiceError:
    return ServiceError(400, "bad_request", message)


def _one_of(query: Mapping[str, str], name: str, values: tuple[str, ...]) -> str | None:
    value = query.get(name)
    if value is not None and value not in values:
        raise _bad_query(f"{name} must be one of {', '.join(values)}.")
    return value


def _number(query: Mapping[str, str], name: str, default: float, most: float) -> float:
    value = query.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?" if name == "timeout" else r"\d{1,6}", value) or float(value) > most:
        raise _bad_query(f"{name} must be a number from 0 to {most:g}.")
    return float(value)


def _array(batches: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """A JSON array, some entries at a time."""
    before = b"["
    for batch in batches:
        yield before + orjson.dumps(batch)[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"


def _object(error: Mapping[str, str], entries: Iterator[bytes]) -> Iterator[bytes]:
    yield b'{"error":' + orjson.dumps(error) + b',"entries":'
    yield from entries
    yield b"}"
