"""Which calls of the front end the mock's journal has, and the scenario that each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.requests import Request

from ..errors import INTERNAL, ServiceError
from ..mock import context, drawn
from ..mock.names import stored
from ..mock.script.names import DEFAULT, NAME, NAMES
from ..mock.store import MockStore, TooManyScenarios, UnknownScenario
from .front_call import FrontCall, call_of

# What the journal calls a call, by its path and, where it matters, its method.
KINDS: Mapping[str, str | Mapping[str, str]] = {
    "/chat": {"POST": "chat", "GET": "join"},
    "/chat/{id}/stream": "join",
    "/conversations": "conversations",
    "/conversations/{id}": "conversations",
    "/conversations/{id}/pin": "conversations",
    "/conversations/{id}/stop": "stop",
    "/files": "files",
    "/files/{id}": "files",
    "/files/{id}/content": "files",
    "/images/{token}": "images",
}


@contextmanager
def noted(store: MockStore, path: str, request: Request) -> Iterator[FrontCall | None]:
    """A context for a call, which its scenario's journal has if it is of a kind that journals have.

    Raises ServiceError.
    """
    kind, userid = _kind(path, request), _sent_userid(request)
    if kind is None:
        yield None
        return
    scenario = _scenario(store, request, userid)
    shown = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    entry = store.journal.begin(scenario, "front", kind, request.method, shown, request.headers.raw)
    context.enter(context.PartOf(scenario, userid))
    call = request.scope["mock"] = FrontCall(store, entry, kind, userid, request)
    try:
        drawn.begin(store.source(entry, "front", kind))
        yield call
    except ServiceError as error:
        call.refuse(error)
        raise
    except UnknownScenario as error:
        # Another process has deleted it meanwhile.
        raise ServiceError(404, "unknown_scenario", str(error)) from None
    except Exception:
        call.refuse(ServiceError(500, "internal", INTERNAL))
        raise
    finally:
        # Where nothing else has said how it ended.
        call.end("client_gone" if call.has_left else "cut")


@contextmanager
def recorded(store: MockStore, path: str, request: Request) -> Iterator[None]:
    """A context for a call that is recorded, a real engine answering: it is counted, and its ids are drawn.

    Raises ServiceError.
    """
    kind, userid = _kind(path, request), _sent_userid(request)
    if kind is None:
        yield
        return
    name = request.headers.get("x-mock-scenario") or DEFAULT
    if not NAME.fullmatch(name):
        raise ServiceError(422, "bad_name", f"{name[:128]!r} cannot be the name of a recording. {NAMES}")
    try:
        if name != DEFAULT:
            store.scenarios.replace(name, store.scenarios.document(DEFAULT), b"recorded")
    except TooManyScenarios as error:
        raise ServiceError(422, "too_many_scenarios", str(error)) from None
    entry = store.journal.begin(name, "front", kind, request.method, path, ())
    context.enter(context.PartOf(name, userid, sent=False))
    drawn.begin(store.source(entry, "front", kind))
    if kind == "files" and request.method == "POST":
        # What is embedded later belongs there too.
        store.scenarios.note_last(name, userid)
    try:
        yield
    finally:
        entry.end("done")


def _kind(path: str, request: Request) -> str | None:
    """What the journal calls a call; None if it does not have it."""
    kind = KINDS.get(path)
    return kind.get(request.method, "chat") if isinstance(kind, Mapping) else kind


def _sent_userid(request: Request) -> str:
    return request.headers.get("userid", "").encode("latin-1").decode(errors="replace")


def _scenario(store: MockStore, request: Request, userid: str) -> str:
    try:
        return store.scenarios.resolve(request.headers.get("x-mock-scenario"), userid)
    except UnknownScenario as error:
        raise ServiceError(404, "unknown_scenario", str(error)) from None


def own(request: Request, store: MockStore, owner: str) -> str:
    """The stored owner of a userid, which the scenario then knows. Raises ServiceError."""
    call = call_of(request)
    scenario = call.scenario if call else _scenario(store, request, owner)
    name = stored(scenario, owner)
    if name is not owner:
        store.scenarios.add_owner(scenario, name)
    return name
