"""The application: opens the stores and the client, wires the parts, and closes them. Nothing else knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from . import __version__, metrics, tracing
from . import log as logs
from .concurrency import Places, in_thread
from .documents.documents import open_documents
from .errors import ServiceError
from .images.fetch import Fetcher
from .images.generator import ImageGenerator
from .mock.control import Control
from .mock.opening import begin_others, load_scripts, meeting_place, open_mock
from .mock.watching import watching
from .protocol import STREAM_HEADERS
from .routes import routes
from .routes.emulator_door import EmulatorDoor
from .routes.failed_logins import FailedLogins
from .routes.incoming import IncomingBytes
from .routes.json import error_response
from .routes.login import load_login
from .routes.middleware import Guard, UnreadBody
from .routes.origin import is_loopback
from .routes.scenario_removal import ScenarioRemoval
from .routes.service import Mock, Service
from .routes.storage_probe import StorageProbe, storage_failed
from .server import allocator, file_limits, hypercorn_log, hypercorn_patches
from .server.announcement import announcement
from .server.hypercorn_drain import drain_in_background
from .server.sign_in_link import SignInLink
from .server.upstream import open_upstream
from .settings import Settings, SettingsError, load_settings
from .storage import DamagedHistory, StorageError, open_storage, storage_place
from .turn.attachments import Attachments
from .turn.claim import TurnClaimer
from .turn.finishing import finishing
from .turn.follow import Follower
from .turn.heartbeat import Heartbeat
from .turn.joins import Joins
from .turn.recovery import Recovery
from .turn.registry import RunRegistry
from .turn.runner import TurnRunner

# For the last traces to be sent.
TRACES_SECONDS = 2.0
log = logging.getLogger("mockbackend")

# Long work at once, of all users: each waits for the others, and the event loop waits for all of them.
LONG_WORK = 3
# Large bodies at once, of all users, that are on their way to a turn.
LARGE_BODIES = 100
# Conversations in memory until their client has taken them: of one user, and of all. One of a user is read at a time.
USER_READS, READS = 8, 1000
# Objects, and collections of younger ones, after which Python looks for garbage. By its own numbers it looks in every
# other short turn, for half a millisecond; by these it holds 2 MB more.
COLLECTED_AFTER = 20_000, 20, 50
EXPOSED = ["link", "retry-after", "x-conversation-id", "x-request-id", *STREAM_HEADERS]


def create_app(
    settings: Settings | None = None,
    *,
    announce: bool = True,
    address: str | None = None,
    sign_in: SignInLink | None = None,
    slow_failed_logins: bool = True,
) -> Starlette:
    """The ASGI application. `app.state.drain(seconds)` ends its turns before it is shut down.

    Its settings are the environment's where none are given; wrong ones end the process as `mockbackend serve` ends.
    At its start it logs the engine, a generated login, its `address`, if that is known, and the link that signs in, if
    there is one, unless `announce` is false.
    Whoever guesses logins is slowed down, unless `slow_failed_logins` is false.
    """
    chosen = settings or _settings()
    logs.configure(chosen.log_level, chosen.log_format)
    # What is stored is for nobody else on this machine.
    os.umask(0o077)
    hypercorn_patches.install()
    if chosen.log_format == "json":
        hypercorn_log.log_json()
    chosen = file_limits.raise_and_cap(chosen)
    allocator.tune()
    origins = list(chosen.cors_allow_origins)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with contextlib.nullcontext() if settings else _ending():
            async with (
                running(chosen, address, sign_in, slow_failed_logins=slow_failed_logins) as service,
                drain_in_background(service.runner.drain, chosen.drain_seconds),
            ):
                app.state.service = service
                if announce:
                    _announce(service, address)
                app.state.drain = service.runner.drain
                yield

    app = Starlette(
        routes=routes(),
        middleware=[
            Middleware(UnreadBody),
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["*"],
                allow_headers=["*"],
                allow_credentials="*" not in origins,
                expose_headers=EXPOSED,
            ),
            Middleware(Guard),
        ],
        exception_handlers={
            ServiceError: _service_error,
            HTTPException: _http_exception,
            DamagedHistory: _damaged_history,
            StorageError: _storage_error,
        },
        lifespan=lifespan,
    )
    # Behind a proxy that ends TLS a redirect to the path without its slash would name http, with the login in it.
    app.router.redirect_slashes = False
    return app


def _settings() -> Settings:
    # For warnings about the settings themselves.
    logs.configure("WARNING")
    try:
        return load_settings()
    except SettingsError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        sys.exit(2)


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """A context in which a place that cannot be used ends the process as `serve` ends."""
    try:
        yield
    except SettingsError as error:
        print(*error.problems, sep="\n", file=sys.stderr, flush=True)
        # Plain Hypercorn makes a traceback of whatever is raised here, and another status.
        os._exit(2)


@asynccontextmanager
async def running(
    settings: Settings, address: str | None, sign_in: SignInLink | None = None, *, slow_failed_logins: bool = True
) -> AsyncIterator[Service]:
    """The open service, which listens on `address` if that is known.

    What a crash left is finished first; leaving the context ends the turns that still run.
    """
    async with contextlib.AsyncExitStack() as stack:
        metrics.join_workers()
        if settings.otel_exporter_otlp_endpoint:
            await stack.enter_async_context(_traced(settings))
        storage = await open_storage(settings)
        stack.push_async_callback(storage.close)
        login = await load_login(settings, storage)
        scripts = load_scripts(settings) if settings.engine == "emulator" else {}
        mock_store = open_mock(settings, scripts) if settings.engine == "emulator" else None
        recorder = None
        if settings.mock_record:
            # Imported late: few record.
            from .mock.recording import open_recorder

            recorder = open_recorder(settings, meeting_place(settings), mock_store)
            stack.push_async_callback(recorder.close)
        elif mock_store:
            stack.callback(mock_store.close)
        if mock_store and settings.mock_script:
            await stack.enter_async_context(watching(mock_store, settings.mock_script))
        upstream, emulator = await stack.enter_async_context(open_upstream(settings, mock_store, recorder))
        generator = ImageGenerator(settings, upstream, storage.images, storage.spending)
        documents = open_documents(settings, storage, upstream)
        stack.push_async_callback(documents.close)
        registry = RunRegistry()
        heartbeat = Heartbeat(storage.turns, registry, settings.max_turn_seconds)
        stack.push_async_callback(heartbeat.close)
        recovery = Recovery(storage, registry, heartbeat)
        fetcher = Fetcher(settings.max_image_bytes, allow_private=False)
        attachments = Attachments(storage.images, fetcher, settings.max_image_bytes, settings.max_user_bytes)
        long_work, reading = Places(1, LONG_WORK), Places(1, READS)
        claimer = TurnClaimer(settings, storage, attachments, registry, recovery, long_work, reading)
        runner = TurnRunner(settings, storage, upstream, generator, documents, registry, heartbeat, claimer, long_work)
        follower = Follower(storage, registry, recovery, Joins(settings.max_joins_per_user))
        stack.push_async_callback(follower.close)
        probe = await stack.enter_async_context(StorageProbe.watching(storage, recovery, follower, documents))
        await stack.enter_async_context(metrics.watch_loop(metrics.LOOP_LAG_SECONDS))
        metrics.start(__version__, settings.engine, "postgresql" if settings.database_url else "embedded")
        failed_logins, incoming = FailedLogins(slow=slow_failed_logins), IncomingBytes(settings)
        # Plain Hypercorn does not say where it listens.
        is_local = address is not None and is_loopback(urlsplit(address).hostname or "")
        parts = (settings, login, failed_logins, incoming)
        door = EmulatorDoor(emulator, *parts, is_local=is_local) if emulator else None
        mock = removal = None
        if mock_store:
            removal = ScenarioRemoval(mock_store, storage, follower, documents)
            mock = Mock(mock_store, Control(mock_store, removal.clear))
        service = Service(
            *(settings, login, failed_logins, probe, storage, upstream, documents, runner, follower),
            *(long_work, Places(1, LARGE_BODIES), incoming, reading, Places(USER_READS, READS)),
            *(door, mock, sign_in),
        )
        try:
            await storage.files.clean()
            await documents.recover()
            await stack.enter_async_context(finishing(storage, recovery, follower))
            if removal and mock_store:
                await begin_others(mock_store, scripts, removal.clear)
        except StorageError as error:
            raise SettingsError([f"{storage_place(settings)} cannot be used ({error})"]) from error
        # What was imported and opened lives as long as the process: the collector need not walk it over and over.
        gc.freeze()
        gc.set_threshold(*COLLECTED_AFTER)
        # Under plain Hypercorn turns still run here, and the loop is about to be closed.
        stack.push_async_callback(runner.drain, 0)
        yield service


@asynccontextmanager
async def _traced(settings: Settings) -> AsyncIterator[None]:
    try:
        tracing.start(settings.otel_exporter_otlp_endpoint, settings.otel_service_name, __version__)
    except ImportError:
        raise SettingsError([tracing.NOT_INSTALLED]) from None
    try:
        yield
    finally:
        # What a receiver does not take in time is lost: the end does not wait for it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRACES_SECONDS):
                await in_thread(tracing.stop, "traces")


def _announce(service: Service, address: str | None) -> None:
    settings = service.settings
    for warning in service.storage.warnings:
        log.warning("%s", warning)
    login = (service.login.username, service.login.password, service.storage.login_place)
    # At any level that shows warnings, where somebody may have to act on it.
    level = logging.WARNING if service.login.generated or settings.engine == "emulator" else logging.INFO
    secret = None if service.sign_in is None else service.sign_in.secret
    engine = service.upstream.engine.address
    block = announcement(settings, engine, address, login, secret, is_generated=service.login.generated)
    log.log(level, "%s", block)


async def _service_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise error
    return error_response(error)


async def _damaged_history(request: Request, error: Exception) -> Response:
    log.error("the messages of conversation %s are damaged: %s", error, error.__cause__)
    words = "The messages of this conversation are damaged. Please start a new one; the operator should check the log."
    return error_response(ServiceError(500, "damaged", words))


async def _storage_error(request: Request, error: Exception) -> Response:
    log.error("%s %r: the storage failed: %s", request.method, request.url.path, error)
    return error_response(storage_failed())


async def _http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    words = {404: "There is nothing here.", 405: f"{request.method} is not allowed here."}
    message = words.get(error.status_code, error.detail)
    return error_response(ServiceError(error.status_code, code, message, error.headers))
