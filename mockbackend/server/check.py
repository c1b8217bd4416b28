"""`mockbackend check`: a probe of each configured deployment and store, and a line for each."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from ..documents.index import open_azure_search
from ..errors import PromptRefused, UnsupportedParameter, UpstreamError
from ..events import Event
from ..log import printable
from ..mock.opening import load_scripts, open_mock
from ..settings import Settings
from ..storage import Image, OlderVersion, Probe, open_storage, storage_place, storage_probes
from ..upstream import Upstream
from ..upstream.chat.stream import stream_chat
from ..upstream.embeddings import embed
from ..upstream.engine import Model
from ..upstream.entra import AccessTokens
from ..upstream.errors import invalid_response
from ..upstream.images import request_image
from ..upstream.wires import COMPLETIONS
from .upstream import open_upstream

# What is sent to the chat model only if it is set.
CHOSEN = {"temperature": "chat_temperature", "reasoning_effort": "chat_reasoning_effort"}
# The setting in a probe's name.
NAMED = re.compile(r"\b([A-Z_]+) = ")
log = logging.getLogger("mockbackend")


def run(settings: Settings) -> int:
    """Print a line for each probe, and return 1 if any failed."""
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    failed = False
    mock = open_mock(settings, load_scripts(settings), shared=False) if settings.engine == "emulator" else None
    async with open_upstream(settings, mock) as (upstream, _):
        engine = upstream.engine
        probes: list[Probe] = []
        if tokens := upstream.tokens:
            probes.append(Probe("identity (AZURE_OPENAI_AUTH = entra)", lambda: _identity(tokens), needed=True))
        probes.append(Probe(f"chat ({_named(engine.chat)})", lambda: _chat(upstream, settings)))
        if engine.images:
            probes.append(Probe(f"images ({_named(engine.images)})", lambda: _image(upstream)))
        if engine.embeddings:
            probes.append(Probe(f"embeddings ({_named(engine.embeddings)})", lambda: _embedding(upstream)))
        probes += storage_probes(settings)
        probes.append(Probe(f"storage ({storage_place(settings)})", lambda: _storage(settings, engine.embeddings)))
        if settings.azure_search_endpoint:
            name = f"search (AZURE_SEARCH_INDEX_NAME = {settings.azure_search_index_name})"
            probes.append(Probe(name, lambda: _search(settings, engine.embeddings)))
        print(f"engine: {settings.engine} at {engine.address}")
        for probe in probes:
            works = await _works(probe.name, probe.run, engine.settings["address"])
            failed = failed or not works
            if probe.needed and not works:
                break
        if not engine.images:
            print(f"absent  images: {engine.images.setting} is not set, so requests for images get a 422")
        if not engine.embeddings:
            print(
                f"absent  embeddings: {engine.embeddings.setting} is not set, so documents are searched by words only"
            )
    return 1 if failed else 0


def _named(model: Model) -> str:
    # The emulator's models are named by no setting.
    return model.name if model.setting == "MOCK_SCRIPT" else f"{model.setting} = {model.name}"


async def _works(name: str, probe: Callable[[], Awaitable[str]], address: str) -> bool:
    """Run a probe and print its line, followed by what was logged meanwhile if it failed.

    `address` is the setting that is wrong where another program answers, or nobody in time.
    """
    captured, level = _Captured(), log.level
    log.addHandler(captured)
    # What the model API says to a trial repeats nobody's words.
    log.setLevel(logging.DEBUG)
    try:
        print(f"works   {name}: {await probe()}")
    except OlderVersion as error:
        print(f"skipped {name}: {error}; the next start of the service takes the others, and nothing was changed")
    except Exception as error:
        if isinstance(error, UpstreamError):
            reason = error.message
            if error.reason in ("invalid_response", "timeout", "cut"):
                reason = f"{reason} The operator should check {address}."
        else:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        # One line names a setting once.
        label = NAMED.sub(lambda found: "" if found[1] in reason else found[0], name)
        print(f"FAILED  {label}: {reason}", *captured.lines, sep="\n        ")
        return False
    finally:
        log.setLevel(level)
        log.removeHandler(captured)
    return True


class _Captured(logging.Handler):
    """What is logged during a probe. It is printed only after a failure: a deployment that works may log refusals."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.addFilter(lambda record: record.levelno != logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.lines.append(printable(record.getMessage()))


async def _identity(tokens: AccessTokens) -> str:
    await tokens.get()
    return f"has a token of {tokens.identity}"


async def _chat(upstream: Upstream, settings: Settings) -> str:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "Say ok."}], "stream": True}
    chosen = {name: getattr(settings, setting) for name, setting in CHOSEN.items()}
    body |= {"max_completion_tokens": 16, **{name: value for name, value in chosen.items() if value not in (None, "")}}
    try:
        return await _answered(upstream, body)
    except UpstreamError as error:
        for name, setting in CHOSEN.items():
            if f"'{name}'" in error.message:
                raise UpstreamError(f"{error.message} The operator should check {setting.upper()}.") from error
        raise


async def _answered(upstream: Upstream, body: dict[str, Any]) -> str:
    if upstream.engine.chat.api == "responses":
        said: list[Event] = []
        await COMPLETIONS["responses"](upstream, said.append, set()).read(body)
        return f"answered with {len(said)} events"
    events: list[bytes] = []

    def take(more: list[bytes]) -> bool:
        events.extend(more)
        return b"[DONE]" in more

    await stream_chat(upstream, body, take)
    chunks = [_parsed(data) for data in events if data != b"[DONE]"]
    for chunk in chunks:
        if chunk.get("error"):
            raise await upstream.failure_in_body(chunk["error"], upstream.engine.chat, body)
    if not any(chunk.get("choices") for chunk in chunks):
        raise invalid_response()
    return f"answered with {len(events)} events"


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise invalid_response() from None
    if not isinstance(chunk, dict):
        raise invalid_response()
    return chunk


async def _image(upstream: Upstream) -> str:
    """Send a request that every image model refuses, because a real image would cost money."""
    try:
        await request_image(upstream, {"prompt": "", "n": 0})
    except (UnsupportedParameter, PromptRefused):
        return "answers (asked without making an image)"
    except UpstreamError as error:
        if error.refused:
            return "answers (asked without making an image)"
        raise
    return "answers"


async def _embedding(upstream: Upstream) -> str:
    [vector] = (await embed(upstream, ["Say ok."])).vectors
    return f"answers with {len(vector)} dimensions"


async def _search(settings: Settings, embeddings: Model) -> str:
    storage = await open_storage(settings, upgrade=False)
    index = open_azure_search(settings, storage, embeddings.name)
    try:
        return f"{await index.check()}{_to_copy(await storage.file_queue.outdated(index.copies))}"
    finally:
        await index.close()
        await storage.close()


async def _storage(settings: Settings, embeddings: Model) -> str:
    storage = await open_storage(settings, upgrade=False)
    try:
        token = await storage.images.put("check", "check", Image("image/png", b"check"), user_bytes=1024)
        await storage.images.get(token)
        await storage.images.discard([token])
        await storage.history.read("check")
        waiting = ""
        if not settings.azure_search_endpoint:
            waiting = _to_copy(await storage.file_queue.outdated(""))
            if embeddings and (count := await storage.passages.outdated(embeddings.name)):
                model = embeddings.name
                waiting += f"; {count} documents are to be embedded with {model}, and found by words until then"
    finally:
        await storage.close()
    return f"can be read and written{waiting}"


def _to_copy(count: int) -> str:
    return f"; {count} documents are to be indexed again, and not found until then" if count else ""
