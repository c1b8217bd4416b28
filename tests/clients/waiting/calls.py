"""The tool calls in a client's message, and how a page declares its tools and answers: in each client's own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.clients.client import Client, Page

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
FORM = {"description": "Ask the user.", "parameters": SCHEMA}
CALLS = "lastAssistantMessageIsCompleteWithToolCalls"
APPROVALS = "lastAssistantMessageIsCompleteWithApprovalResponses"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as a client holds it: "open", "asked", "approved", "result", "error" or "denied"."""

    id: str
    name: str
    state: str
    value: Any = None
    approval: Any = None


def options(client: Client, **more: Any) -> dict[str, Any]:
    """How a page is opened whose tool is `ask_form`, as the client's own pages have it."""
    match client.kind:
        case "assistant-ui":
            return {"tools": {"ask_form": FORM}, "body": {"approvals": True}, "more": {"maxSteps": 8}, **more}
        case "ai-sdk-4":
            return {"body": {"tools": [{"name": "ask_form", **FORM}]}, "more": {"maxSteps": 8}, **more}
        case "ai-sdk-5":
            return {"body": {"tools": [{"name": "ask_form", **FORM}]}, "sendWhen": [CALLS], **more}
    tool = {"name": "ask_form", "description": "Ask the user.", "inputSchema": SCHEMA}
    return {"body": {"tools": [tool], "approvals": True}, "sendWhen": [CALLS, APPROVALS], **more}


def calls(client: Client, held: dict[str, Any]) -> list[Call]:
    """The calls in the last message that the page has."""
    message = held["messages"][-1]
    assert message["role"] == "assistant", message
    match client.kind:
        case "assistant-ui":
            return [_of_assistant_ui(part) for part in message["content"] if part["type"] == "tool-call"]
        case "ai-sdk-4":
            parts = [part["toolInvocation"] for part in message["parts"] if part["type"] == "tool-invocation"]
            states = {"partial-call": "open", "call": "open", "result": "result"}
            return [Call(one["toolCallId"], one["toolName"], states[one["state"]], one.get("result")) for one in parts]
    return [_of_ui(part) for part in message["parts"] if part["type"].startswith("tool-")]


def _of_ui(part: dict[str, Any]) -> Call:
    states = {"input-streaming": "open", "input-available": "open", "approval-requested": "asked"}
    states |= {"approval-responded": "approved", "output-available": "result"}
    states |= {"output-error": "error", "output-denied": "denied"}
    value = part.get("output", part.get("errorText"))
    name = part["type"].removeprefix("tool-")
    return Call(part["toolCallId"], name, states[part["state"]], value, part.get("approval"))


def _of_assistant_ui(part: dict[str, Any]) -> Call:
    approval = part.get("approval")
    if "result" in part:
        state = "denied" if approval and approval.get("approved") is False else "error" if part["isError"] else "result"
    else:
        state = "open" if approval is None else "approved" if approval.get("approved") else "asked"
    return Call(part["toolCallId"], part["toolName"], state, part.get("result"), approval)


def answer(client: Client, page: Page, call: Call, value: Any) -> None:
    """Give a call its result."""
    if client.kind in ("ai-sdk-4", "assistant-ui"):
        page.act("answer", toolCallId=call.id, result=value)
    else:
        page.act("answer", by=_adder(client), tool=call.name, toolCallId=call.id, output=value)


def fail(client: Client, page: Page, call: Call, words: str) -> None:
    """Say that a call has failed; AI SDK 4 has but results."""
    match client.kind:
        case "ai-sdk-4":
            page.act("answer", toolCallId=call.id, result={"error": words})
        case "assistant-ui":
            page.act("answer", toolCallId=call.id, result={"error": words}, isError=True)
        case _:
            failed = {"tool": call.name, "toolCallId": call.id, "state": "output-error", "errorText": words}
            page.act("answer", by=_adder(client), **failed)


def _adder(client: Client) -> str:
    return "addToolResult" if client.kind == "ai-sdk-5" else "addToolOutput"


def approve(client: Client, page: Page, call: Call, *, approved: bool, reason: str | None = None) -> None:
    """Say yes or no to a call."""
    said = {"approved": approved, **({"reason": reason} if reason else {})}
    if client.kind == "assistant-ui":
        page.act("approve", toolCallId=call.id, **said)
    else:
        page.act("approve", id=call.approval["id"], **said)
