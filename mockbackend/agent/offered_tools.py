"""The tools that the model is offered: the service's own, and those that its client has sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from ..errors import RefusedTool, UpstreamError
from ..upstream.learned import MixedTools
from .client_tool import ClientTool
from .context import ChatContext
from .tools import AVAILABLE_TOOLS, offered, schema

# The names that the log has said are taken.
_said: set[str] = set()
log = logging.getLogger("mockbackend.turn")


def schemas(chat: ChatContext) -> list[dict[str, Any]]:
    """All of them as the chat completions API takes them."""
    own = _own(chat)
    return MixedTools([*own, *map(_schema, chat.client_tools)]) if chat.client_tools else own


def drop_refused(chat: ChatContext, refusal: UpstreamError) -> bool:
    """Leave out the client's tool that is refused, or all of them if any may be meant; False if it has none."""
    tools = chat.client_tools
    kept: list[ClientTool] = []
    if isinstance(refusal, RefusedTool):
        place = None if refusal.index is None else refusal.index - len(_own(chat))
        kept = [tool for at, tool in enumerate(tools) if at != place and tool.name != refusal.name]
    if len(kept) == len(tools):
        return False
    log.warning("the model API refuses tools that a client has declared: %d are left out", len(tools) - len(kept))
    chat.client_tools = kept
    return True


def _own(chat: ChatContext) -> list[dict[str, Any]]:
    return [schema(one.name) for one in offered(chat.services, approvals=chat.approvals)]


def without_own(sent: Iterable[ClientTool]) -> list[ClientTool]:
    """The client's tools but those with the name of one of the service's, which serves instead."""
    own = {one.name for one in AVAILABLE_TOOLS}
    for tool in sent:
        if tool.name in own and tool.name not in _said:
            _said.add(tool.name)
            log.warning("a client sends a tool %s: the service has one of that name, which serves", tool.name)
    return [tool for tool in sent if tool.name not in own]


def _schema(tool: ClientTool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": tool.parameters}}
