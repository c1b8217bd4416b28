"""The service with additional tools, which are listed in AVAILABLE_TOOLS and nowhere else."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from langchain_core.tools import ToolException, tool

from mockbackend.agent.tools import AVAILABLE_TOOLS
from mockbackend.app import create_app


@tool
async def rest(seconds: float) -> dict[str, float]:
    """Rest for some seconds, and return when that began and ended."""
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return {"began": began, "ended": time.monotonic()}


@tool
def doze(seconds: float) -> dict[str, float]:
    """Rest in a thread, and return when that began and ended."""
    began = time.monotonic()
    time.sleep(seconds)
    return {"began": began, "ended": time.monotonic()}


@tool
async def fail(how: str) -> Any:
    """Fail in some way."""
    match how:
        case "raise":
            raise RuntimeError("secret words of the tool")
        case "timeout":
            raise TimeoutError("of the tool's own")
        case "cancel":
            raise asyncio.CancelledError
        case "no json":
            return {"number": 2**70}
        case "half a character":
            return "\ud83d"
        case "a file's name":
            raise ToolException("There is no file report-\udcff.txt.")
        case "deep":
            value: list[Any] = []
            for _ in range(230):
                value = [value]
            return value
        case "object":
            return {"type": object, 1: "one"}
    return how


@tool
def crash(how: str) -> None:
    """Fail in a thread."""
    if how == "exit":
        sys.exit(1)
    raise StopIteration


AVAILABLE_TOOLS.extend([rest, doze, fail, crash])
app = create_app()
