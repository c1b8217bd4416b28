"""What the routes are given: the open stores and the turns of this process."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from .documents.documents import Documents
from .login import Login
from .messages import Message
from .settings import Settings
from .storage import Storage
from .storage.embedded.turns import Turn
from .turn.claim import TurnClaimer
from .turn.history import History
from .turn.remote import RemoteReader
from .turn.request import ChatRequest
from .turn.run import EventSource, Run
from .turn.runner import TurnRunner
from .upstream import Upstream

log = logging.getLogger("mockbackend")


@dataclass(frozen=True, slots=True)
class Service:
    """One process's parts, wired in `app.py`."""

    settings: Settings
    login: Login
    storage: Storage
    upstream: Upstream
    history: History
    documents: Documents
    runs: TurnRunner
    claimer: TurnClaimer

    async def start(self, userid: str, request: ChatRequest, framing: str) -> Run:
        """Begin a turn and set it running. Raises ServiceError."""
        return await self.runs.start(userid, request, framing, self.claimer)

    async def read(self, conversation_id: str) -> list[Message]:
        """The conversation's messages, without the running answer: whoever reads may then join that."""
        running = await self.claimer.release_dead(conversation_id)
        while True:
            messages = await self.history.read(conversation_id)
            turn, running = running, await self.storage.turns.running(conversation_id)
            if running is None and turn is None:
                return messages
            # Where a turn has begun or ended meanwhile, the history may be of before or of after that.
            if running is not None and turn is not None and running.turn_id == turn.turn_id:
                return messages[: running.base_length] + running.new_messages

    async def stop(self, conversation_id: str) -> None:
        """End the conversation's running turn, in whichever process it runs; returns once it is stored."""
        turn = await self.claimer.release_dead(conversation_id)
        if turn is None:
            return
        if run := self.runs.find(turn.turn_id):
            run.answer.stop.request("stopped")
            await asyncio.shield(run.over)
            return
        await self.storage.turns.request_stop(conversation_id, turn.turn_id)
        reader = self._remote_reader(turn)
        while await reader.next() is not None:
            pass

    async def follow(self, conversation_id: str) -> tuple[Turn, EventSource] | None:
        """The running turn of a conversation, and a reader of it from its first event."""
        turn = await self.claimer.release_dead(conversation_id)
        if turn is None:
            return None
        if run := self.runs.find(turn.turn_id):
            return turn, run.reader()
        return turn, self._remote_reader(turn)

    def _remote_reader(self, turn: Turn) -> RemoteReader:
        async def look() -> tuple[bytes, bool] | None:
            await self.claimer.release_dead(turn.conversation_id)
            return await self.storage.turns.said(turn)

        return RemoteReader(turn, look)

    async def delete(self, conversation_id: str) -> None:
        """End the deletion of a hidden conversation; each step may be made twice."""
        await self.stop(conversation_id)
        await self.storage.checkpoints.adelete_thread(conversation_id)
        await self.storage.images.forget(conversation_id)
        await self.storage.conversations.forget(conversation_id)

    async def recover(self) -> None:
        """Finish what a crash left half-way: turns, then deletions, then images and files."""
        await self.claimer.recover_all()
        for conversation_id in await self.storage.conversations.hidden():
            await self.delete(conversation_id)
            log.info("finished the deletion of conversation %s", conversation_id)
        await self.storage.images.clean(self.storage.liveness.is_alive)
        await self.storage.files.clean(self.storage.liveness.is_alive)
        await self.documents.recover()
