"""The service with additional tools, which are listed in AVAILABLE_TOOLS and nowhere else."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import ToolException, tool

from mockbackend.agent.tools import AVAILABLE_TOOLS, services
from mockbackend.app import create_app
from tests.harness.processes import ROOT


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


@tool
async def show(parts: list[dict[str, Any]], config: RunnableConfig) -> str:
    """Show these parts, one after another."""
    for part in parts:
        services(config).show(**part)
        await asyncio.sleep(0)
    return "shown"


@tool
def show_in_a_thread(parts: list[dict[str, Any]], config: RunnableConfig) -> str:
    """Show these parts from a thread."""
    for part in parts:
        services(config).show(**part)
    return "shown"


@tool
async def show_badly(what: str, config: RunnableConfig) -> Any:
    """Show what cannot be shown."""
    found = services(config)
    values: dict[str, Any] = {"object": object(), "large number": 2**70, "half a character": "\ud83d"}
    if what == "deep":
        value: list[Any] = []
        values[what] = value
        for _ in range(230):
            value.append(value := [])
    if what == "caught":
        try:
            found.show("chart", object())
        except ToolException as error:
            return {"caught": str(error)}
    found.show("chart", values.get(what), id={"no id": "", "long id": "x" * 129, "number": 7}.get(what))  # type: ignore[arg-type]
    return "shown"


late: dict[bool, str] = {}


@tool
def show_late(fails: bool, config: RunnableConfig) -> str:
    """Show something when the call has ended, and return, or fail with, what was said to the one before."""
    said = late.get(fails, "nothing")

    def show() -> None:
        time.sleep(0.2)
        try:
            services(config).show("chart", "late")
        except ToolException as error:
            late[fails] = str(error)

    threading.Thread(target=show).start()
    if fails:
        raise ToolException(said)
    return said


# As it stands in README.
[example] = re.findall(r"```python\n(@tool\ndef plot.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
scope: dict[str, Any] = {"tool": tool, "services": services, "RunnableConfig": RunnableConfig}
exec(example, scope)  # noqa: S102
AVAILABLE_TOOLS.append(scope["plot"])
AVAILABLE_TOOLS.extend([rest, doze, fail, crash, show, show_in_a_thread, show_badly, show_late])
app = create_app()
