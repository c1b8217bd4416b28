"""The turns that run in this process: started within limits, settled, drained."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from ..agent.context import ChatContext
from ..agent.tools import ToolServices
from ..documents.documents import Documents
from ..errors import INTERNAL, NOT_STORED, unusable
from ..events import Event, Failed, ImageMade, StepEnded, TurnEnded
from ..images.generator import ImageGenerator, ImageOptions
from ..settings import Settings
from ..storage import Storage
from ..upstream import Upstream
from .admission import Admission
from .answer import Answer
from .chat import chat
from .claim import TurnClaimer
from .ending import settle
from .heartbeat import Heartbeat
from .history import History
from .image import image
from .request import ChatRequest
from .run import Run
from .search import document_search

log = logging.getLogger("mockbackend.turn")


class TurnRunner:
    """This process's runs by turn id, and what a turn is made with."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        history: History,
        upstream: Upstream,
        generator: ImageGenerator,
        documents: Documents,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._history = history
        self._upstream = upstream
        self._generator = generator
        self._documents = documents
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heartbeat = Heartbeat(storage.turns, self._runs, settings.max_turn_seconds)
        self.admission = Admission(settings)

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, turn_id: str) -> Run | None:
        """This process's run of that turn."""
        return self._runs.get(turn_id)

    async def start(self, userid: str, request: ChatRequest, framing: str, beginning: TurnClaimer) -> Run:
        """Claim a turn and set it running. Raises ServiceError."""
        if request.mode == "image" and not self._upstream.engine.images:
            raise unusable(
                f"mode: no images can be made here, since {self._upstream.engine.images.setting} is not set."
            )
        async with self.admission.beginning(userid):
            searchable = await self._searchable(userid, request)
            claim = await beginning.claim(userid, request, framing)
        # From the claim on nothing is awaited: a row of ours that has no run counts as a dead process's.
        turn = claim.turn
        search = searchable if searchable is not None else claim.has_documents
        answer = Answer(turn.turn_id, turn.message_id, turn.started_at, turn.base_length, turn.new_messages)
        resumable = self._settings.resumable if request.resumable is None else request.resumable
        run = Run(turn, userid, request.mode, answer, resumable=resumable)
        self._runs[turn.turn_id] = run
        if self.admission.cut:
            answer.stop.request("drained")
        task = asyncio.create_task(self._work(run, self._events(run, request, search=search)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.watch()
        return run

    def watch(self) -> None:
        """Have rows that are over forgotten, and those of running turns kept."""
        self._heartbeat.start()

    async def drain(self, seconds: float) -> None:
        """Take no new turns; let running ones finish for so long, and then stop them. Returns once all are stored."""
        await self.admission.drain(seconds)
        for run in list(self._runs.values()):
            run.answer.stop.request("drained")
        await self.admission.idle()

    async def close(self) -> None:
        """Stop what still runs, at once, and the heartbeat with it."""
        await self.drain(0)
        await self._heartbeat.close()

    async def _searchable(self, userid: str, request: ChatRequest) -> bool | None:
        """Whether something can be found in the files that the request names; None where it names none."""
        if request.file_ids is None or request.mode != "chat":
            return None
        if missing := await self._storage.files.missing(userid, request.file_ids):
            raise unusable(f"file_ids[{request.file_ids.index(missing[0])}]: there is no such file.")
        return await self._storage.files.has_ready(userid, request.file_ids)

    def _events(self, run: Run, request: ChatRequest, *, search: bool) -> AsyncIterator[Event]:
        conversation_id, userid = run.turn.conversation_id, run.userid
        if run.mode == "image":
            return image(run.answer, self._generator, userid, conversation_id, request.image)

        async def draw(prompt: str) -> ImageMade:
            made, _ = await self._generator.generate(userid, conversation_id, prompt, ImageOptions())
            run.answer.emit(made)
            return made

        context = ChatContext(
            run.answer,
            self._upstream,
            self._settings,
            [words for words in (self._settings.system_prompt, *request.systems) if words],
            self._storage.images.get,
            ToolServices(
                draw if self._upstream.engine.images else None,
                document_search(self._documents, run.answer, userid, request.file_ids) if search else None,
            ),
        )
        return chat(context, self._history.graph, conversation_id)

    async def _work(self, run: Run, events: AsyncIterator[Event]) -> None:
        """Run a turn to its stored end, whatever happens."""
        answer, turn = run.answer, run.turn
        written = False
        try:
            async with aclosing(events) as stream:  # type: ignore[type-var]
                async for event in stream:
                    run.publish()
                    if isinstance(event, StepEnded) and event.finish_reason == "tool-calls":
                        self._heartbeat.flush_soon(run)
            written = run.mode == "chat"
        except Exception:
            log.exception("turn %s failed", turn.turn_id)
            if answer.finish is None:
                answer.fail(INTERNAL)
        ended = TurnEnded(answer.finish or "error", answer.usage)
        stored = await self._stored(run, ended, written=written)
        if not stored:
            answer.emit(Failed(NOT_STORED))
            ended = TurnEnded("error", answer.usage)
        answer.emit(ended)
        while run.published < len(answer.events):
            run.publish()
        del self._runs[turn.turn_id]
        self.admission.leave(run.userid)
        run.end()
        log.info(
            "turn %s of conversation %s: mode=%s steps=%d finish=%s%s tokens=%d+%d history %s, %d ms",
            *(turn.turn_id, turn.conversation_id, run.mode, answer.steps, ended.finish_reason),
            f" ({answer.stop.reason})" if answer.stop.reason else "",
            *(answer.usage.prompt, answer.usage.completion),
            *("written" if stored else "NOT written", (time.monotonic() - run.began) * 1000),
        )

    async def _stored(self, run: Run, ended: TurnEnded, *, written: bool) -> bool:
        """Store the turn's end. Where that fails its row stays, and whoever comes next folds in what its log has."""
        answer, turn = run.answer, run.turn
        try:
            said = [*answer.events, ended]
            await settle(self._storage, self._history, turn, answer.history_update(), said, written=written)
        except Exception:
            log.exception("turn %s could not be stored", turn.turn_id)
        else:
            return True
        try:
            await self._storage.turns.give_up(turn, run.log())
        except Exception:
            log.exception("the log of turn %s could not be written", turn.turn_id)
        return False
