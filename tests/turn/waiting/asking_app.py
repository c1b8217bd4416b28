"""The service with tools that ask their user first, and one that runs at the client."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool

from mockbackend.agent.tools import AVAILABLE_TOOLS, declared, services
from mockbackend.app import create_app


def _ran(what: str) -> None:
    """Tell the test how often a tool has run."""
    with Path(os.environ["RAN_FILE"]).open("a") as file:
        file.write(f"{what}\n")


@declared(approval="always")
@tool
async def send_mail(to: str, seconds: float = 0.0) -> dict[str, str]:
    """Send a mail."""
    _ran(f"send_mail {to}")
    await asyncio.sleep(seconds)
    return {"sent": to}


@declared(approval=lambda args: args["amount"] > 100)
@tool
def pay(amount: int) -> dict[str, int]:
    """Pay an amount."""
    _ran(f"pay {amount}")
    return {"paid": amount}


@declared(approval="after_documents")
@tool
def delete_all() -> str:
    """Delete everything."""
    _ran("delete_all")
    return "deleted"


@declared(client=True)
@tool
def show_map(place: str) -> dict[str, Any]:  # type: ignore[empty-body]
    """Show a place on the map."""


@declared(approval="always")
@tool
def book(place: str, config: RunnableConfig) -> str:
    """Book a place, and show the ticket."""
    services(config).show("status", "booking", transient=True)
    services(config).show("ticket", {"for": place}, id="t")
    return "booked"


@tool
def show_chart(of: str, config: RunnableConfig) -> str:
    """Show a chart."""
    services(config).show("chart", {"of": of}, id=of)
    return "shown"


@tool
async def take_a_nap(seconds: float) -> str:
    """Take a nap."""
    await asyncio.sleep(seconds)
    return "Good morning."


AVAILABLE_TOOLS.extend([send_mail, pay, delete_all, show_map, book, show_chart, take_a_nap])
app = create_app()
