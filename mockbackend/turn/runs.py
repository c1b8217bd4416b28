"""The turns that run in this process: started within limits, logged while they run, settled, drained."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing

from ..agent.context import Chat
from ..agent.tools import ToolServices
from ..answering import TOO_LONG, Answering
from ..documents.documents import Documents
from ..errors import INTERNAL, NOT_STORED, ServiceError, unusable
from ..events import Event, Failed, PictureMade, StepEnded, TurnEnded, dump
from ..pictures.making import PictureMaker, PictureOptions
from ..settings import Settings
from ..storage import Storage
from ..storage.turns import OVER_MS, Turn
from ..upstream import Upstream
from .beginning import Beginning
from .chat import chat
from .citing import cited
from .ending import settle
from .history import History
from .image import image
from .request import ChatRequest
from .run import Run

# A kill may cost a second of words: the write itself takes some of it.
LOG_SECONDS = 0.7
BEAT_SECONDS = 0.5
# After the last turn, until no row that is over is left.
QUIET_BEATS = OVER_MS / 1000 // BEAT_SECONDS + 2
log = logging.getLogger("mockbackend.turn")


class Runs:
    """This process's runs by turn id, and what a turn is made with."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        history: History,
        upstream: Upstream,
        maker: PictureMaker,
        documents: Documents,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._history = history
        self._upstream = upstream
        self._maker = maker
        self._documents = documents
        self._runs: dict[str, Run] = {}
        self._reserved: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._heart: asyncio.Task[None] | None = None
        self._quiet = 0
        self.draining = False

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, turn_id: str) -> Run | None:
        """This process's run of that turn."""
        return self._runs.get(turn_id)

    async def start(self, userid: str, request: ChatRequest, framing: str, beginning: Beginning) -> Run:
        """Claim a turn and set it running. Raises ServiceError."""
        self._check(userid, request)
        self._reserved[userid] += 1
        try:
            searchable = await self._searchable(userid, request)
            claim = await beginning.claim(userid, request, framing)
        except BaseException:
            self._release(userid)
            raise
        turn = claim.turn
        search = searchable if searchable is not None else claim.has_documents
        answering = Answering(turn.turn_id, turn.message_id, turn.started_at, turn.keep, turn.added)
        resumable = self._settings.resumable if request.resumable is None else request.resumable
        run = Run(turn, userid, request.mode, answering, resumable=resumable)
        self._runs[turn.turn_id] = run
        task = asyncio.create_task(self._work(run, self._events(run, request, search=search)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.watch()
        return run

    def watch(self) -> None:
        """Let the heart beat for as long as turns run, and until the rows of those that are over are gone."""
        self._quiet = 0
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat())

    async def drain(self, seconds: float) -> None:
        """Take no new turns; let running ones finish for so long, and then stop them. Returns once all are stored."""
        self.draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for run in list(self._runs.values()):
            run.answering.stop.request("drained")
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop what still runs, at once, and the heartbeat with it."""
        await self.drain(0)
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait([self._heart])

    async def _beat(self) -> None:
        """Renew the leases of our turns, forget those long over, and learn of stops asked for elsewhere."""
        while self._runs or self._quiet < QUIET_BEATS:
            await asyncio.sleep(BEAT_SECONDS)
            self._quiet = 0 if self._runs else self._quiet + 1
            try:
                for turn_id in await self._storage.turns.beat():
                    if run := self._runs.get(turn_id):
                        run.answering.stop.request("stopped")
            except Exception:
                log.warning("the heartbeat failed", exc_info=True)

    def _check(self, userid: str, request: ChatRequest) -> None:
        if self.draining:
            raise ServiceError(503, "draining", "The service is shutting down.", {"retry-after": "5"})
        for running, limit in (
            (self._reserved[userid], self._settings.max_running_turns_per_user),
            (self._reserved.total(), self._settings.max_running_turns),
        ):
            if running >= limit:
                words = f"{limit} answers are running already. Please wait for one to end."
                raise ServiceError(429, "too_many_turns", words, {"retry-after": "2"})
        if request.mode == "image" and not self._upstream.engine.images:
            raise unusable(
                f"mode: no pictures can be made here, since {self._upstream.engine.images.setting} is not set."
            )

    def _release(self, userid: str) -> None:
        self._reserved[userid] -= 1
        if not self._reserved[userid]:
            del self._reserved[userid]

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
            return image(run.answering, self._maker, userid, conversation_id, request.image)

        async def draw(prompt: str) -> PictureMade:
            made, _ = await self._maker.make(userid, conversation_id, prompt, PictureOptions())
            run.answering.emit(made)
            return made

        context = Chat(
            run.answering,
            self._upstream,
            self._settings,
            [words for words in (self._settings.system_prompt, *request.systems) if words],
            self._storage.pictures.get,
            ToolServices(
                draw if self._upstream.engine.images else None,
                cited(self._documents, run.answering, userid, request.file_ids) if search else None,
            ),
        )
        return chat(context, self._history.graph, conversation_id)

    async def _work(self, run: Run, events: AsyncIterator[Event]) -> None:
        """Run a turn to its stored end, whatever happens."""
        began = time.monotonic()
        answering, turn = run.answering, run.turn
        turn_log = _TurnLog(self._storage, run)
        written = False
        limit = asyncio.get_running_loop().call_later(self._settings.max_turn_seconds, answering.stop.request, TOO_LONG)
        try:
            async with aclosing(events) as stream:  # type: ignore[type-var]
                async for event in stream:
                    run.append(event)
                    turn_log.note(event)
            written = run.mode == "chat"
        except Exception:
            log.exception("turn %s failed", turn.turn_id)
            if answering.finish is None:
                answering.fail(INTERNAL)
        limit.cancel()
        ended = TurnEnded(answering.finish or "error", answering.usage)
        try:
            await turn_log.close()
            said = [*answering.events, ended]
            await settle(self._storage, self._history, turn, answering.fold(), said, written=written)
        except Exception:
            # The row stays: whoever comes next folds what its log has.
            log.exception("turn %s could not be stored", turn.turn_id)
            answering.emit(Failed(NOT_STORED))
        answering.emit(ended)
        for event in answering.events[len(run.events) :]:
            run.append(event)
        del self._runs[turn.turn_id]
        self._release(run.userid)
        run.end()
        log.info(
            "turn %s of conversation %s: mode=%s steps=%d finish=%s%s tokens=%d+%d history written, %d ms",
            *(turn.turn_id, turn.conversation_id, run.mode, answering.steps, answering.finish),
            f" ({answering.stop.reason})" if answering.stop.reason else "",
            *(answering.usage.prompt, answering.usage.completion, (time.monotonic() - began) * 1000),
        )


class _TurnLog:
    """Writes what has been said to the turn's row: at every step's end, and every 0.7 s while words flow."""

    def __init__(self, storage: Storage, run: Run) -> None:
        self._turns = storage.turns
        self._run = run
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def note(self, event: Event) -> None:
        """Something happened: it will be written soon."""
        if isinstance(event, StepEnded) and event.finish_reason == "tool-calls":
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOG_SECONDS, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        turn: Turn = self._run.turn
        self._again = True
        while self._again:
            self._again = False
            try:
                await self._turns.write_log(turn.conversation_id, turn.turn_id, dump(self._run.events))
            except Exception:
                log.warning("turn %s: its log could not be written", turn.turn_id, exc_info=True)

    async def close(self) -> None:
        """Write no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await self._task
