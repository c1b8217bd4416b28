"""The front end's calls in the mock: the scenario that each belongs to, and its entry in the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import Message, Receive, Send

from ..errors import ServiceError
from ..mock import context
from ..mock.names import stored
from ..mock.store import Entry, MockStore, UnknownScenario
from ..mock.store.journal import MAX_BODY_BYTES, State
from ..turn.run import Run

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


class FrontCall:
    """One call of the front end. Its receive and send are put around those of its connection."""

    def __init__(self, entry: Entry, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._body = bytearray()
        self._is_read = False
        self._separator = b""
        self._run: Run | None = None
        self.entry = entry
        self.has_left = False

    @property
    def scenario(self) -> str:
        """The scenario that it belongs to."""
        return self.entry.scenario

    def follow(self, turn: str, run: Run | None = None) -> None:
        """Say which turn it follows, and its run if that is in this process."""
        self._run = run
        self.entry.turn = turn
        self.entry.show("running")

    async def receive(self) -> Message:
        """Receive, and keep the beginning of the body for the journal."""
        message = await self._receive()
        self.has_left = message["type"] == "http.disconnect"
        if message["type"] == "http.request" and not self._is_read:
            room = MAX_BODY_BYTES - len(self._body)
            if room > 0:
                self._body += message.get("body", b"")[:room]
            if not message.get("more_body", False):
                self._is_read = True
                self.entry.take_body(bytes(self._body))
                self._body = bytearray()
        return message

    async def send(self, message: Message) -> None:
        """Send, and note in the journal how far the answer is: its end before that is sent."""
        if message["type"] == "http.response.start":
            self.entry.begin_answer(message["status"], message["headers"])
            is_ui = any(name == b"x-vercel-ai-ui-message-stream" for name, _ in message["headers"])
            self._separator = b"data: " if is_ui else b"\n"
        elif message["type"] == "http.response.body":
            if self.entry.turn:
                self.entry.lines += message.get("body", b"").count(self._separator)
            if not message.get("more_body", False):
                self.end()
        await self._send(message)

    def end(self, state: State | None = None) -> None:
        """Note the end, which is as the answer's or the turn's unless it is known to be another."""
        if state is None:
            state = "error" if (self.entry.status or 0) >= 400 else self._state_of_turn()
        self.entry.end(state)

    def refuse(self, error: ServiceError) -> None:
        """Note that the call is refused."""
        headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        self.entry.begin_answer(error.status, headers)
        self.entry.end("error")

    def _state_of_turn(self) -> State:
        if self._run is None or not self._run.is_over:
            return "done"
        answer = self._run.answer
        if answer.stop.reason == "stopped":
            return "stopped"
        return "error" if answer.finish == "error" else "done"


@contextmanager
def noted(store: MockStore, path: str, request: Request) -> Iterator[FrontCall | None]:
    """A context for a call, which its scenario's journal has if it is of a kind that journals have.

    Raises ServiceError.
    """
    kind = KINDS.get(path)
    if isinstance(kind, Mapping):
        kind = kind.get(request.method, "chat")
    if kind is None:
        yield None
        return
    userid = request.headers.get("userid", "").encode("latin-1").decode(errors="replace")
    try:
        scenario = store.scenarios.resolve(request.headers.get("x-mock-scenario"), userid)
    except UnknownScenario as error:
        raise ServiceError(404, "unknown_scenario", str(error)) from None
    shown = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    entry = store.journal.begin(scenario, "front", kind, request.method, shown, request.headers.raw)
    context.enter(context.PartOf(scenario, userid))
    call = request.scope["mock"] = FrontCall(entry, request.receive, request._send)
    try:
        yield call
    except ServiceError as error:
        call.refuse(error)
        raise
    finally:
        # Where nothing else has said how it ended.
        call.end("client_gone" if call.has_left else "cut")


def call_of(request: Request) -> FrontCall | None:
    """The front end's call that a request is, where there is a mock."""
    found: FrontCall | None = request.scope.get("mock")
    return found


def stored_name(request: Request, name: str) -> str:
    """What a user's or a conversation's name is stored as, within its scenario."""
    call = call_of(request)
    return name if call is None else stored(call.scenario, name)


def own(request: Request, store: MockStore, owner: str) -> str:
    """The stored owner of a userid, which the scenario then knows."""
    name = stored_name(request, owner)
    if name is not owner:
        store.scenarios.add_owner(request.scope["mock"].scenario, name)
    return name
