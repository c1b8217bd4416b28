"""Traces, as a receiver of OTLP over HTTP gets them: the spans of a turn, and nothing of what was said."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import StartServer
from tests.documents.waiting import indexed
from tests.harness.answers import chat, posting
from tests.harness.emulator import Rule
from tests.harness.model import Upstream
from tests.harness.postgres import postgres
from tests.harness.processes import free_port
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import start_world

TURN = "invoke_agent mockbackend"
SECRET = "Xylophone"
RULES: list[Rule] = [
    {
        "when": {"equals": f"{SECRET} time"},
        "steps": [
            {"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "Europe/Berlin"}}]},
            {"text": f"{SECRET} late."},
        ],
    },
    {"when": {"equals": "broken"}, "fault": {"kind": "status", "status": 400}},
    {"when": {"equals": "a wrong zone"},
     "steps": [{"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": SECRET}}]}, {"text": "No."}]},
]  # fmt: skip


class Receiver:
    """A receiver; `spans()` are those that have come, by name, each with its attributes."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[Any]:
        """All spans, in the order of their beginnings."""
        found = [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans() if span.name == name]

    async def turns(self, count: int) -> list[Any]:
        """The spans of as many turns, once they are there: what is within them has ended before."""

        async def there() -> bool:
            return len(self.named(TURN)) == count

        await until(there)
        return self.named(TURN)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def attributes(span: Any) -> dict[str, Any]:
    """Its attributes as Python values."""
    found: dict[str, Any] = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found


async def test_a_turn_is_an_agent_with_its_calls_and_tools(receiver: Receiver, tmp_path: Path) -> None:
    with start_world(tmp_path, RULES, receiver.settings, image="gpt-image-1") as world:
        async with world.server.client("ada@example.com") as client:
            for name, message in (("time", f"{SECRET} time"), ("broken", "broken"), ("zone", "a wrong zone")):
                await chat(client, {"id": name, "message": message})
            await chat(client, {"id": "image", "message": "A fox", "mode": "image"})
        port = int(world.emulator.url.rpartition(":")[2])
        agents = await receiver.turns(4)
    assert [attributes(span)["gen_ai.conversation.id"] for span in agents] == ["time", "broken", "zone", "image"]
    first = agents[0]
    assert {span.trace_id for span in agents} == {span.trace_id for span in receiver.spans()}
    assert len({span.trace_id for span in agents}) == 4
    assert (first.kind, first.parent_span_id) == (first.SPAN_KIND_INTERNAL, b"")
    said = attributes(first)
    assert said["gen_ai.operation.name"] == "invoke_agent"
    assert said["gen_ai.provider.name"] == "azure.ai.openai"
    assert said["gen_ai.response.finish_reasons"] == ["stop"]
    assert said["gen_ai.usage.input_tokens"] > 0
    ours = [span for span in receiver.spans() if span.parent_span_id == first.span_id]
    calls = [span for span in ours if span.name == "chat gpt-4o"]
    assert [attributes(span)["gen_ai.response.finish_reasons"] for span in calls] == [["tool_calls"], ["stop"]]
    assert sum(attributes(span)["gen_ai.usage.output_tokens"] for span in calls) == said["gen_ai.usage.output_tokens"]
    assert all(span.kind == span.SPAN_KIND_CLIENT for span in calls)
    assert attributes(calls[0]) | {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-4o-2025-08-07",
        "gen_ai.conversation.id": "time",
        "server.address": "127.0.0.1",
        "server.port": port,
    } == attributes(calls[0])
    for span in calls:
        assert attributes(span)["gen_ai.response.id"].startswith("chatcmpl-")
        lasted = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        assert 0 < attributes(span)["gen_ai.response.time_to_first_chunk"] < lasted
    (tool,) = [span for span in ours if span.name == "execute_tool get_current_time"]
    assert attributes(tool)["gen_ai.tool.call.id"]
    assert attributes(tool)["gen_ai.tool.name"] == "get_current_time"
    assert attributes(tool)["gen_ai.conversation.id"] == "time"
    assert calls[0].end_time_unix_nano <= tool.start_time_unix_nano <= tool.end_time_unix_nano
    statements = [span for span in ours if attributes(span).get("db.system.name") == "sqlite"]
    assert len(statements) >= 2
    # What failed says so.
    (broken,) = [span for span in receiver.named("chat gpt-4o") if span.parent_span_id == agents[1].span_id]
    for span in (broken, agents[1]):
        assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes(broken)["error.type"] == "refused"
    (wrong,) = [span for span in receiver.spans() if span.parent_span_id == agents[2].span_id and "tool" in span.name]
    assert attributes(wrong)["error.type"] == "tool_error"
    (image,) = receiver.named("generate_content gpt-image-1")
    assert image.parent_span_id == agents[3].span_id
    assert (attributes(image)["gen_ai.output.type"], attributes(image)["gen_ai.conversation.id"]) == ("image", "image")
    assert attributes(agents[3])["gen_ai.output.type"] == "image"
    # Nothing of what was said, and nobody's name.
    whole = b"".join(receiver.bodies)
    for secret in (SECRET.encode() + b" ", b"Berlin", b"fox", b"ada@example.com", b"late"):
        assert secret not in whole


@pytest.mark.slow
async def test_the_model_that_answered_is_named_on_either_wire(receiver: Receiver, tmp_path: Path) -> None:
    env = {**receiver.settings, "AZURE_OPENAI_API": "responses"}
    with start_world(tmp_path, RULES, env) as world:
        async with world.server.client() as client:
            await chat(client, {"id": "a", "message": "Hello"})
        await receiver.turns(1)
    (call,) = receiver.named("chat gpt-4o")
    assert attributes(call)["gen_ai.response.model"] == "gpt-4o"
    assert attributes(call)["gen_ai.response.id"].startswith("resp_")


async def test_a_trace_goes_on_from_its_caller_to_the_model(receiver: Receiver, start_server: StartServer) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, **receiver.settings})
        async with server.client() as client:
            client.headers["traceparent"] = f"00-{trace}-{parent}-01"
            async with posting(client, "Hello") as stream:
                call = await upstream.call()
                await call.answer("Hi")
                await stream.rest()
        (agent,) = await receiver.turns(1)
    (chat_span,) = receiver.named("chat model")
    assert (agent.trace_id.hex(), agent.parent_span_id.hex()) == (trace, parent)
    assert call.headers["traceparent"] == f"00-{trace}-{chat_span.span_id.hex()}-01"


@pytest.mark.slow
async def test_a_turn_that_is_refused_and_one_that_is_stopped_end(
    receiver: Receiver, start_server: StartServer
) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, **receiver.settings})
        async with server.client() as client, posting(client, "Hello", id="a") as stream:
            call = await upstream.call()
            await call.start()
            await call.delta("some")
            await stream.until("0")
            assert (await chat(client, {"id": "a", "message": "too early"})).status == 409
            assert (await client.post("/conversations/a/stop")).status_code == 200
            await call.gone()
        stopped, refused = await receiver.turns(2)
    assert attributes(refused)["error.type"] == "ServiceError"
    assert stopped.status.code == stopped.status.STATUS_CODE_UNSET
    assert attributes(stopped)["gen_ai.response.finish_reasons"] == ["stop"]


@pytest.mark.slow
async def test_statements_of_postgresql_and_embeddings_are_traced_within_a_turn(
    receiver: Receiver, tmp_path: Path
) -> None:
    with postgres().schema() as schema:
        env = {"DATABASE_URL": postgres().url(schema), "WEB_CONCURRENCY": "2", "OTEL_SERVICE_NAME": "chats"}
        with Server(tmp_path, {**env, **receiver.settings}, "serve") as server:
            async with server.client() as client:
                await indexed(client, "a.md", b"# Zephyr\n\nIt flies.")
                await chat(client, {"message": "What do my documents say about Zephyr?"})
            (agent,) = await receiver.turns(1)
    within = {span.span_id: span for span in receiver.spans() if span.trace_id == agent.trace_id}
    statements = [span for span in receiver.spans() if attributes(span).get("db.system.name") == "postgresql"]
    assert {"insert conversations", "update turns"} <= {span.name for span in statements}
    # Not those of beats and leases.
    assert all(span.span_id in within for span in statements)
    (embedding,) = [span for span in within.values() if span.name == "embeddings mock-embedding"]
    assert within[embedding.parent_span_id].name == "execute_tool search_documents"
    assert {attributes(request.resource_spans[0].resource)["service.name"] for request in receiver.requests} == {
        "chats"
    }


@pytest.mark.slow
async def test_what_has_not_been_sent_is_sent_at_the_end(receiver: Receiver, start_server: StartServer) -> None:
    server = start_server({**receiver.settings, "OTEL_BSP_SCHEDULE_DELAY": "600000"})
    async with server.client() as client:
        await chat(client, {"message": "Hello"})
    assert receiver.bodies == []
    assert server.stop() == 0
    assert len(await receiver.turns(1)) == 1


@pytest.mark.slow
async def test_a_receiver_that_is_away_holds_nothing_up(start_server: StartServer) -> None:
    server = start_server({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    async with server.client() as client:
        assert (await chat(client, {"message": "Hello"})).text == "You said: Hello"
    assert server.stop(within=10) == 0


async def test_without_a_receiver_nothing_of_opentelemetry_is_loaded(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        await chat(client, {"message": "Hello"})
        maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert "protobuf" not in maps
