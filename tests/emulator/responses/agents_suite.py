"""OpenAI's agents package on the emulator, as its own pages show it; run by `test_agents.py` in packages of its own.

Prints a line of JSON with what was seen.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from agents import (  # type: ignore[import-not-found]
    Agent,
    Runner,
    SQLiteSession,
    function_tool,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

CALLS: list[str] = []


@function_tool  # type: ignore[untyped-decorator]
def get_weather(city: str) -> str:
    """Say how the weather is in a city."""
    CALLS.append(city)
    return f"The weather in {city} is sunny."


class Event(BaseModel):
    """A structured answer."""

    name: str
    guests: int


async def main() -> None:
    set_tracing_disabled(True)
    set_default_openai_client(
        AsyncOpenAI(base_url=os.environ["EMULATOR"] + "/v1", api_key="any"), use_for_tracing=False
    )
    seen: dict[str, Any] = {}
    plain = Agent(name="Assistant", instructions="You are helpful.")
    seen["words"] = (await Runner.run(plain, "Hello there")).final_output

    weather = Agent(name="Weather", instructions="Use the tool.", tools=[get_weather])
    seen["tool"] = (await Runner.run(weather, "How is the weather in Oslo? Use get_weather.")).final_output
    seen["calls"] = CALLS

    streamed = Runner.run_streamed(plain, "Hello in pieces")
    deltas = [
        event.data.delta
        async for event in streamed.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    seen["deltas"] = ["".join(deltas), len(deltas), streamed.final_output]

    party = Agent(name="Party", instructions="Read the event.", output_type=Event)
    made = (await Runner.run(party, "A party with 12 guests")).final_output
    seen["structured"] = [type(made).__name__, made.guests]

    session = SQLiteSession("one")
    await Runner.run(plain, "My name is Ada", session=session)
    await Runner.run(plain, "And on", session=session)
    seen["session"] = len(await session.get_items())

    first = await Runner.run(plain, "The first")
    second = await Runner.run(plain, "The second", previous_response_id=first.last_response_id)
    seen["previous"] = second.final_output

    other = Agent(name="Spanish", instructions="Answer in Spanish.")
    triage = Agent(name="Triage", instructions="Hand over.", handoffs=[other])
    handed = await Runner.run(triage, "Please transfer_to_spanish")
    seen["handoff"] = [handed.last_agent.name, bool(handed.final_output)]
    print(json.dumps(seen))


asyncio.run(main())
