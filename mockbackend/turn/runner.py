"""The turns of this process: started within limits, run to their stored end, drained."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, assert_never

from .. import log as logs
from .. import metrics, tracing
from ..agent.context import ChatContext
from ..agent.context_window import window
from ..agent.graph import turn_graph
from ..agent.offered_tools import without_own
from ..agent.tools import ToolServices
from ..concurrency import Places, in_thread
from ..documents.documents import Documents
from ..errors import INTERNAL, NOT_STORED, TAKEN_OVER, TurnError, unusable
from ..events import OUTPUT, Event, Failed, ImageMade, StepEnded, TurnEnded, dump, joined
from ..images.generator import ImageGenerator, ImageOptions
from ..messages import Message, NamedDocument, is_long, text_of, without_commands
from ..mock import context
from ..settings import Settings
from ..storage import Exchange, Storage, TakenOver, Window, traceback_of
from ..storage.exchanges import exchanges
from ..upstream import Upstream
from ..upstream.chat.window import kept, shape_of
from ..upstream.transport import request_written
from .admission import Admission
from .chat import chat
from .claim import TurnClaimer
from .going_on import known_events
from .heartbeat import Heartbeat
from .image import generate, image
from .registry import RunRegistry
from .request import ChatRequest
from .run import Run
from .search import DocumentSearch

log = logging.getLogger("mockbackend.turn")


class TurnRunner:
    """The runner of this process's turns, each to its stored end."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        upstream: Upstream,
        generator: ImageGenerator,
        documents: Documents,
        registry: RunRegistry,
        heartbeat: Heartbeat,
        claimer: TurnClaimer,
        long_work: Places,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._upstream = upstream
        self._generator = generator
        self._documents = documents
        self._registry = registry
        self._heartbeat = heartbeat
        self._claimer = claimer
        self._long_work = long_work
        self._graph = turn_graph()
        self._tasks: set[asyncio.Task[None]] = set()
        self.admission = Admission(settings)

    @property
    def running(self) -> int:
        """The number of turns that run in this process."""
        return len(self._registry)

    async def start(self, userid: str, request: ChatRequest, framing: str) -> Run:
        """Claim a turn and start it. Raises ServiceError."""
        span = tracing.turn(request.mode, self._settings.engine).begin()
        try:
            return await self._start(userid, request, framing, span)
        except BaseException as error:
            span.end(error)
            raise

    async def _start(self, userid: str, request: ChatRequest, framing: str, span: tracing.Span) -> Run:
        if request.mode == "image" and not self._upstream.engine.images:
            raise unusable(
                f"mode: images are not set up here. The operator can set {self._upstream.engine.images.setting}."
            )
        async with self.admission.beginning(userid):
            request = await self._with_documents(userid, request)
            async with self._claimer.claim(userid, request, framing, self._window(request)) as claim:
                turn = claim.turn
                resumable = self._settings.resumable if request.resumable is None else request.resumable
                run = Run(turn, request.mode, self._storage.turns, self._claimer.day_limits, resumable=resumable)
                run.answer.client_posts |= bool(request.tools) or request.approvals
                run.known = known_events(run.events, request.answers)
                base = claim.exchanges
                if base is None:
                    # With the turn's end all of them are kept.
                    base = exchanges(claim.base)
                    run.unkept = base if run.mode == "chat" else []
                self._registry.add(run)
        if request.goes_on and request.file_ids is None and (named := turn.new_messages[-1].get("documents")):
            request = replace(request, file_ids=tuple(file["id"] for file in named))
        search = claim.has_documents if request.file_ids is None else bool(request.file_ids)
        if self.admission.cut:
            run.answer.stop.request("drained")
        # Of the turn's task as well, which copies the context.
        logs.turn_fields.set(run.answer.log_fields)
        request_written.set(run.asked)
        tracing.belongs_to(span, turn.conversation_id)
        context.enter_turn(turn.turn_id, turn.message_id, run.mode)
        run.answer.listeners.append(partial(self._count, run))
        task = asyncio.create_task(self._work(run, span, self._answering(run, request, base, search=search)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._heartbeat.start()
        return run

    async def drain(self, seconds: float) -> None:
        """Take no new turns, give running ones `seconds`, then stop them. Returns once all are stored."""
        await self.admission.drain(seconds)
        for run in self._registry:
            run.answer.stop.request("drained")
        await self.admission.idle()

    async def _with_documents(self, userid: str, request: ChatRequest) -> ChatRequest:
        """The request, its new message with the files that it names to be searched."""
        if not request.file_ids or request.mode != "chat" or request.goes_on:
            return request
        files = await self._storage.files.named(userid, request.file_ids)
        for index, file_id in enumerate(request.file_ids):
            if file_id not in files:
                raise unusable(f"file_ids[{index}]: there is no file with this id.")
        documents = tuple(
            NamedDocument(id=file_id, name=files[file_id].name) for file_id in dict.fromkeys(request.file_ids)
        )
        *earlier, message = request.messages
        return replace(request, messages=(*earlier, replace(message, documents=documents)))

    def _window(self, request: ChatRequest) -> Window | None:
        if request.mode != "chat":
            return None
        return window(shape_of(self._settings), self._upstream.learned(self._upstream.engine.chat).context_tokens)

    def _answering(
        self, run: Run, request: ChatRequest, base: list[Exchange], *, search: bool
    ) -> Coroutine[Any, Any, None]:
        match run.mode:
            case "chat":
                documents = (
                    DocumentSearch(self._documents, run.answer, run.turn.userid, request.file_ids) if search else None
                )
                return chat(self._chat_context(run, request, base, documents), self._graph, documents)
            case "image":
                question = run.turn.new_messages[-1]
                prompt = text_of(without_commands(question) if self._settings.engine == "emulator" else question)
                return image(run.answer, run.budget, self._generator, prompt, request.image)
            case mode:
                assert_never(mode)

    def _chat_context(
        self, run: Run, request: ChatRequest, base: list[Exchange], documents: DocumentSearch | None
    ) -> ChatContext:
        limit = self._settings.max_images_per_turn

        async def draw(prompt: str) -> ImageMade:
            await self._generator.check_room(run.turn.userid)
            # Nothing is awaited from here until the image is counted: calls run side by side.
            if run.budget.images >= limit:
                raise TurnError(f"No more images are allowed in this turn (MAX_IMAGES_PER_TURN is {limit}).")
            made, _ = await generate(self._generator, run.budget, run.turn, prompt, ImageOptions())
            run.answer.emit(made)
            return made

        return ChatContext(
            run.answer,
            run.budget,
            self._upstream,
            base,
            self._settings,
            [words for words in (self._settings.system_prompt, *request.systems) if words],
            self._storage.images.get,
            ToolServices(
                draw if self._upstream.engine.images else None,
                documents,
            ),
            without_own(request.tools),
            request.approvals,
            tool_calls=run.answer.tool_calls,
        )

    def _count(self, run: Run, event: Event) -> None:
        if run.first_output is None and isinstance(event, OUTPUT):
            run.first_output = time.monotonic()
            metrics.FIRST_TOKEN_SECONDS.observe(run.first_output - run.began, run.mode)
        if isinstance(event, StepEnded):
            metrics.TOKENS.inc("input", by=event.usage.prompt)
            metrics.TOKENS.inc("output", by=event.usage.completion)
            if event.finish_reason == "tool-calls":
                self._heartbeat.flush_soon(run)

    async def _work(self, run: Run, span: tracing.Span, answering: Coroutine[Any, Any, None]) -> None:
        """Run a turn to its stored end, whatever happens."""
        answer, turn = run.answer, run.turn
        try:
            await answering
        except Exception as error:
            log.error("turn %s failed: %s", turn.turn_id, error, exc_info=traceback_of(error))
            if answer.finish is None:
                answer.fail(INTERNAL)
        ended = TurnEnded(answer.finish or "error", answer.usage)
        problem = await self._store(run, ended)
        if problem is not None:
            if (failed := Failed(problem)) not in answer.events:
                answer.emit(failed)
            ended = TurnEnded("error", answer.usage)
        answer.emit(ended)
        self._registry.remove(run)
        self.admission.leave(turn.userid)
        run.end()
        seconds = time.monotonic() - run.began
        outcome = ("not_stored" if problem else answer.stop.reason or ended.finish_reason).replace(" ", "_")
        metrics.TURNS.inc(run.mode, outcome)
        metrics.TURN_SECONDS.observe(seconds, run.mode)
        tracing.answered(span, ended.finish_reason, answer.usage.prompt, answer.usage.completion)
        span.end(outcome if ended.finish_reason == "error" else None)
        log.info(
            "turn %s of conversation %s: mode=%s steps=%d finish=%s%s tokens=%d+%d history %s, %d ms",
            *(turn.turn_id, turn.conversation_id, run.mode, answer.steps, ended.finish_reason),
            f" ({answer.stop.reason})" if answer.stop.reason else "",
            *(answer.usage.prompt, answer.usage.completion),
            *("NOT written" if problem else "written", seconds * 1000),
            extra=logs.fields(
                mode=run.mode,
                outcome=outcome,
                steps=answer.steps,
                input_tokens=answer.usage.prompt,
                output_tokens=answer.usage.completion,
                first_token_ms=run.first_output and round((run.first_output - run.began) * 1000),
                duration_ms=round(seconds * 1000),
                stored=problem is None,
            ),
        )

    def _kept(self, run: Run, answer: Message) -> list[Exchange]:
        """What later requests may have of the turn, after what nobody has kept yet of the history before it."""
        turn, shape = run.turn, shape_of(self._settings)
        new = exchanges([*turn.new_messages, answer], turn.base_length)
        return [kept(one, shape) for one in (*run.unkept, *new)]

    async def _store(self, run: Run, ended: TurnEnded) -> str | None:
        """Store the turn's end, or return why not. Its row and log stay then, to be settled later."""
        answer, turn = run.answer, run.turn
        has_much = is_long(turn.new_messages)
        try:
            async with self._long_work.one(turn.userid) if has_much else nullcontext():
                message = answer.message()
                made = partial(self._kept, run, message)
                is_much_kept = has_much or is_long([one for exchange in run.unkept for one in exchange.messages])
                keeping = await in_thread(made, "keeping") if is_much_kept else made()
                log_bytes = dump(joined([*answer.events, ended]))
                await self._storage.turns.end(turn, [message], log_bytes, run.budget.spent, keeping)
        except TakenOver:
            metrics.FENCED_WRITES.inc()
            log.warning("turn %s was taken over: this process did not prove in time that it lives", turn.turn_id)
            return TAKEN_OVER
        except Exception as error:
            log.error("turn %s could not be stored: %s", turn.turn_id, error, exc_info=traceback_of(error))
        else:
            return None
        self._registry.unsettled.add(turn.conversation_id)
        try:
            await self._storage.turns.give_up(turn, dump(joined(answer.events)), run.budget.spent)
        except Exception as error:
            log.error("the log of turn %s could not be written: %s", turn.turn_id, error, exc_info=traceback_of(error))
        return NOT_STORED
