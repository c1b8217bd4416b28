"""Traces for OpenTelemetry, by its conventions for generative AI: spans alone, with nothing of what was said.

They are off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: then nothing of OpenTelemetry is imported, and a span is a check
whether there is a tracer. The conventions are still in development, so all of their names are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Literal, Self
from urllib.parse import urlsplit

NOT_INSTALLED = (
    "OTEL_EXPORTER_OTLP_ENDPOINT: OpenTelemetry is not installed. Start with `uv run --extra otel mockbackend serve`, "
    "or run `pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http`"
)
AGENT = "mockbackend"
OPERATIONS = {"chat": "chat", "images": "generate_content", "embeddings": "embeddings"}
REQUESTS: dict[str, dict[str, Any]] = {
    "chat": {"gen_ai.request.stream": True},
    "images": {"gen_ai.output.type": "image"},
    "embeddings": {"gen_ai.request.encoding_formats": ("base64",)},
}
PROVIDERS = {"azure": "azure.ai.openai", "openai": "openai", "emulator": "mockbackend.emulator"}
OUTPUTS = {"chat": "text", "image": "image"}
# What an engine calls its model or an answer is of its own choice.
MOST_CHARACTERS = 256
_conversation: ContextVar[str | None] = ContextVar("conversation", default=None)
_tracer: Any = None
_provider: Any = None


class Span:
    """A span that does nothing, as tracing is off."""

    __slots__ = ()

    def begin(self) -> Self:
        """Begin it. What is traced in this context from now on is within it."""
        return self

    def set(self, attributes: Mapping[str, Any]) -> None:
        """Say more of it. None stands for what is not known."""

    def end(self, error: BaseException | str | None = None) -> None:
        """End it, with what went wrong."""

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.end(error)


class _RealSpan(Span):
    __slots__ = ("_attributes", "_client", "_name", "_span", "_token")

    def __init__(self, name: str, attributes: Mapping[str, Any], *, client: bool = False) -> None:
        self._name = name
        self._attributes = attributes
        self._client = client

    def begin(self) -> Self:
        from opentelemetry import context, trace

        kind = trace.SpanKind.CLIENT if self._client else trace.SpanKind.INTERNAL
        self._span = _tracer.start_span(self._name, kind=kind, attributes=self._attributes)
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def set(self, attributes: Mapping[str, Any]) -> None:
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def end(self, error: BaseException | str | None = None) -> None:
        from opentelemetry.trace import StatusCode

        # A cancellation is somebody's wish, such as a stop.
        if isinstance(error, Exception | str):
            kind = error if isinstance(error, str) else getattr(error, "reason", None) or type(error).__name__
            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from opentelemetry import context

        context.detach(self._token)
        self.end(error)


OFF = Span()


def start(endpoint: str, service: str, version: str) -> None:
    """Send spans to that address from now on, from a thread. Raises ImportError."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer, _provider
    _provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    _tracer = _provider.get_tracer("mockbackend", version)


def stop() -> None:
    """Send what is left. It blocks while the receiver does not answer."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is not None:
        provider.shutdown()


def join_trace(headers: Mapping[str, str]) -> None:
    """Make what is traced in this context part of the caller's trace, if its request names one."""
    if _tracer is not None and "traceparent" in headers:
        from opentelemetry import context
        from opentelemetry.propagate import extract

        context.attach(extract(dict(headers)))


def outgoing() -> dict[str, str]:
    """The headers by which a service that is called joins the trace."""
    carrier: dict[str, str] = {}
    if _tracer is not None:
        from opentelemetry.propagate import inject

        inject(carrier)
    return carrier


def turn(mode: str, engine: str) -> Span:
    """The span of a turn, from its claim to its stored end."""
    if _tracer is None:
        return OFF
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDERS[engine],
        "gen_ai.agent.name": AGENT,
        "gen_ai.output.type": OUTPUTS[mode],
    }
    return _RealSpan(f"invoke_agent {AGENT}", attributes)


def model_call(kind: Literal["chat", "images", "embeddings"], engine: str, model: str, address: str) -> Span:
    """The span of a call of the model API, with its retries."""
    if _tracer is None:
        return OFF
    operation, parts = OPERATIONS[kind], urlsplit(address)
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDERS[engine],
        "gen_ai.request.model": model,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        **_of_conversation(),
        **REQUESTS[kind],
    }
    return _RealSpan(f"{operation} {model}", attributes, client=True)


def answered(span: Span, finish: str | None, input_tokens: int | None, output_tokens: int | None) -> None:
    """Say how a turn or a call of the model ended."""
    if span is not OFF:
        usage = {"gen_ai.usage.input_tokens": input_tokens, "gen_ai.usage.output_tokens": output_tokens}
        reasons = None if finish is None else (finish.replace("-", "_"),)
        span.set({"gen_ai.response.finish_reasons": reasons, **usage})


def responded(span: Span, model: object, response_id: object = None, first_chunk_seconds: float | None = None) -> None:
    """Say which model has answered, which may be another than was asked for, and when it began."""
    if span is not OFF:
        named = {"gen_ai.response.model": model, "gen_ai.response.id": response_id}
        known = {name: said[:MOST_CHARACTERS] for name, said in named.items() if isinstance(said, str) and said}
        span.set({**known, "gen_ai.response.time_to_first_chunk": first_chunk_seconds})


def belongs_to(span: Span, conversation_id: str) -> None:
    """Say which conversation it is in, with all that is traced in this context from now on."""
    if span is not OFF:
        _conversation.set(conversation_id)
        span.set(_of_conversation())


def _of_conversation() -> dict[str, str]:
    conversation_id = _conversation.get()
    return {} if conversation_id is None else {"gen_ai.conversation.id": conversation_id}


def tool(name: str, call_id: str) -> Span:
    """The span of a tool call, with neither its arguments nor its result."""
    if _tracer is None:
        return OFF
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.type": "function",
        **_of_conversation(),
    }
    return _RealSpan(f"execute_tool {name}", attributes)


def statement(system: Literal["postgresql", "sqlite"], name: str) -> Span:
    """The span of a statement of the storage's, within a span of a turn alone."""
    if _tracer is None:
        return OFF
    from opentelemetry.trace import get_current_span

    if not get_current_span().is_recording():
        return OFF
    operation, _, table = name.partition(" ")
    attributes = {"db.system.name": system, "db.operation.name": operation.upper()}
    return _RealSpan(name, {**attributes, **({"db.collection.name": table} if table else {})}, client=True)
