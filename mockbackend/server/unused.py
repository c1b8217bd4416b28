"""What other packages import though nothing here uses it, or not before the first answer.

This module relies on how they import each other, which may change with each of their versions: what no longer fits is
then imported with them, as it would be without this module. `tests/server/test_loaded.py` says if so.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .late_certificates import late_certificates
from .lazy_imports import defer

# Each package, and what others import from it.
UNUSED: Mapping[str, tuple[str, ...]] = {
    # Every type of its API; what its other clients need.
    "openai.types": ("websocket_reconnection",),
    "openai.types.chat": (
        *("ChatCompletion", "ChatCompletionFunctionToolParam", "ChatCompletionMessage", "ChatCompletionToolUnionParam"),
        *("ParsedChatCompletion", "ParsedChatCompletionMessage", "ParsedChoice", "ParsedFunction"),
        *("ParsedFunctionToolCall", "completion_create_params"),
    ),
    "openai.types.chat.chat_completion_message_function_tool_call": ("Function",),
    "openai.types.chat.completion_create_params": ("ResponseFormat",),
    "openai.types.responses": (),
    "openai.types.responses.function_tool_param": ("FunctionToolParam",),
    "openai.types.shared": ("ResponsesModel", "oauth_error_code"),
    "openai.types.shared_params": ("FunctionDefinition",),
    "openai.providers": (),
    "openai.providers.bedrock": (
        *("AwsCredentialsProvider", "_BedrockProviderRuntime", "_parse_bedrock_endpoint_hostname", "bedrock"),
    ),
    # Clients of LangGraph's servers and of LangSmith, and what listens to a graph.
    "langgraph_sdk": ("auth",),
    "langgraph.stream.transformers": (
        *("CheckpointsTransformer", "CustomTransformer", "DebugTransformer", "LifecyclePayload"),
        *("LifecycleTransformer", "MessagesTransformer", "SubgraphStatus", "SubgraphTransformer"),
        *("TasksTransformer", "UpdatesTransformer", "ValuesTransformer"),
    ),
    "langsmith.types": ("run_select_field",),
    "langchain_core.tracers.base": ("BaseTracer",),
    "langchain_core.tracers.event_stream": ("_astream_events_implementation_v1", "_astream_events_implementation_v2"),
    "langchain_core.tracers.langchain": ("LangChainTracer",),
    "langchain_core.tracers.log_stream": ("LogStreamCallbackHandler", "_astream_log_implementation"),
    "langchain_core.tracers.root_listeners": ("AsyncRootListenersTracer", "RootListenersTracer"),
    "requests": ("HTTPError", "Response"),
    "pydantic.v1": ("BaseModel", "Field", "ValidationError", "create_model", "validate_arguments"),
    # HTTP/2 and WebSocket, for which few clients ask.
    "hypercorn.protocol.h2": ("H2Protocol",),
    "hypercorn.protocol.ws_stream": ("WSStream",),
    "h2.events": (),
}
# The same for parts of this service.
LATE: Mapping[str, tuple[str, ...]] = {
    # The mock, which no real engine needs.
    "mockbackend.mock.control": ("Control",),
    "mockbackend.mock.opening": ("begin_others", "load_scripts", "meeting_place", "open_mock"),
    "mockbackend.mock.script": ("names",),
    "mockbackend.mock.script.matching": ("Facts", "named_headers"),
    "mockbackend.mock.script.asked": ("Asked", "split_message"),
    "mockbackend.mock.script.rules": ("RecordedEngine", "is_of_wire", "wire_of"),
    "mockbackend.mock.script.searching": ("TooSlowError", "one_call"),
    "mockbackend.mock.script.wire": ("Wire",),
    "mockbackend.mock.store": ("Entry", "Holds", "MockStore", "Scenario", "TooManyScenarios", "UnknownScenario"),
    "mockbackend.mock.store.serving": ("Chosen",),
    "mockbackend.mock.watching": ("watching",),
    # What an engine's refusals say.
    "mockbackend.upstream.context_errors": ("exceeded", "is_certain"),
    "mockbackend.upstream.echoes": ("without_echoes",),
    "mockbackend.upstream.refusals": ("names_in", "refusal_of"),
    "mockbackend.documents.wide_text": ("wide_encoding",),
}


@contextmanager
def fast_imports() -> Iterator[None]:
    """Imports without what nothing here uses yet, and without a search for garbage, of which they make none."""
    defer({**UNUSED, **LATE})
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        with late_certificates():
            yield
    finally:
        # What is imported lives as long as the process: it is never looked at again. That also keeps it shared after a
        # fork, since the collector writes to every object that it visits.
        gc.freeze()
        if is_enabled:
            gc.enable()
