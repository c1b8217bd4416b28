"""One call of the front end in the mock: its entry in the journal, and the rule that it is given."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import Message

from ..errors import ServiceError
from ..messages import ToolPart, is_open
from ..mock import context
from ..mock import store as mock_store
from ..mock.names import stored
from ..mock.script.matching import Facts, named_headers
from ..mock.script.rules import is_of_wire, wire_of
from ..mock.script.searching import TooSlowError, one_call
from ..mock.script.wire import Wire
from ..mock.store import Entry, Holds, MockStore, Scenario
from ..protocol.data_stream import DATA_STREAM
from ..protocol.ui_stream import UI_STREAM
from ..server.hypercorn_patches import WRITE_PIECE
from ..turn.run import Run

if TYPE_CHECKING:
    from ..mock.store.journal import State

# How long an answer in place of a call waits for the call's body.
BODY_SECONDS = 5.0


class FrontCall:
    """One call of the front end. Its receive and send are put around those of its connection."""

    def __init__(self, store: MockStore, entry: Entry, kind: str, userid: str, request: Request) -> None:
        self._store = store
        self._userid = userid
        self._headers = request.headers
        self._receive = request.receive
        self._send = request._send
        # The journal counts what passes by here.
        request.scope.get("state", {}).pop(WRITE_PIECE, None)
        self.kind = kind
        self._body = bytearray()
        self._is_read = False
        self._framing = DATA_STREAM
        # A part of a frame's end, which a fault may split.
        self._last = b""
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
        self.entry.show()
        if run:
            # Before its end is read; and after the call, where that was left.
            run.over.add_done_callback(lambda _: self._take_tool_calls(run))

    def _take_tool_calls(self, run: Run) -> None:
        if run.answer.tool_calls:
            calls = [part for part in run.answer.message()["parts"] if part["type"] == "tool"]
            self.entry.take_tool_calls(
                [{"id": one["id"], "name": one["name"], "waits_for": _waits_for(one)} for one in calls]
            )

    async def receive(self) -> Message:
        """Receive, and keep the beginning of the body for the journal."""
        message = await self._receive()
        self.has_left = message["type"] == "http.disconnect"
        if message["type"] == "http.request" and not self._is_read:
            room = mock_store.journal.MAX_BODY_BYTES - len(self._body)
            if room > 0:
                self._body += message.get("body", b"")[:room]
            if not message.get("more_body", False):
                self._take_body()
        return message

    async def read_body(self) -> None:
        """Read what the journal keeps of the body, as far as it comes in a short time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BODY_SECONDS):
                while not self._is_read and not self.has_left and len(self._body) < mock_store.journal.MAX_BODY_BYTES:
                    await self.receive()
        if not self._is_read:
            self._take_body()

    def _take_body(self) -> None:
        self._is_read = True
        self.entry.take_body(bytes(self._body))
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        """Send, and note in the journal how far the answer is: its end before that is sent."""
        if message["type"] == "http.response.start":
            self.entry.begin_answer(message["status"], message["headers"])
            is_ui = any(name == b"x-vercel-ai-ui-message-stream" for name, _ in message["headers"])
            self._framing = UI_STREAM if is_ui else DATA_STREAM
        elif message["type"] == "http.response.body":
            if self.entry.turn:
                self._count_lines(message.get("body", b""))
            if not message.get("more_body", False):
                self.end()
        await self._send(message)

    def _count_lines(self, body: bytes) -> None:
        if not body or body == self._framing.keep_alive:
            return
        end = self._framing.frame_end
        body = self._last + body
        self.entry.lines += body.count(end)
        self._last = body[len(body) - len(end) + 1 :]

    @cached_property
    def _opened(self) -> Scenario:
        return self._store.scenarios.open(self.scenario)

    @property
    def holds(self) -> Holds:
        """The streams that are held."""
        return self._store.holds

    @property
    def has_wire(self) -> bool:
        """Whether there are rules about the front end's calls."""
        return any(map(is_of_wire, self._opened.rules))

    def choose(self, text: str = "", mode: str | None = None, turn: int | None = None) -> Wire | None:
        """What the front end meets by the rule that this call is given, which serves its turn as well."""
        scenario = self._opened
        headers = {name: self._headers[name] for name in named_headers(scenario.rules) if name in self._headers}
        found = None
        if self.has_wire:
            number = self._store.journal.number_of_kind(self.entry, "front", self.kind)
            facts = Facts(None, text, mode, turn, self._userid, headers=headers)
            try:
                with one_call():
                    found = self._store.servings.serve_front(scenario, self.kind, number, facts)
            except TooSlowError as error:
                raise ServiceError(422, "slow_regex", str(error)) from None
        context.choose(scenario.generation, found[1] if found else None, headers, scenario.script.engine)
        if found is None:
            return None
        self.entry.rule = found[1].index
        return wire_of(found[0].item)

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


def _waits_for(call: ToolPart) -> str | None:
    if not is_open(call):
        return None
    return "result" if call.get("client") else "approval"


def call_of(request: Request) -> FrontCall | None:
    """The front end's call that a request is, where there is a mock."""
    found: FrontCall | None = request.scope.get("mock")
    return found


def stored_name(request: Request, name: str) -> str:
    """What a user's or a conversation's name is stored as, within its scenario."""
    call = call_of(request)
    return name if call is None else stored(call.scenario, name)
