"""What a script plays that no model can, data parts and calls that wait: it is recorded, and edited as words are."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.harness.api import say
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.mock.recording.conftest import Studio


@pytest.mark.parametrize("api", ["chat", pytest.param("responses", marks=pytest.mark.slow)])
async def test_data_parts_of_a_script_are_kept_and_can_be_edited(studio: Studio, api: str) -> None:
    parts = [{"name": "chart", "id": "c1", "data": {"points": [1]}}, {"name": "note", "data": "half way"}]
    script = studio.write("../script.json", {"seed": 1, "rules": [{"text": "Here.", "data_parts": parts}]})
    wire = {"AZURE_OPENAI_API": api}
    server = studio.recording({"MOCK_SCRIPT": str(script)}, **wire)
    async with server.client() as client:
        before = await say(client, "a chart")
    server.stop()
    assert len(before.values("8")) == 2
    async with studio.replaying(None, **wire).client() as client:
        assert (await say(client, "a chart")).body == before.body
        path = studio.folder / "01-a-chart.yaml"
        # The last, where parameters were refused before.
        *_, raw = sorted(studio.folder.glob("01-*.sse"))
        lines = [line for line in path.read_text().splitlines() if raw.name not in line]
        path.write_text("\n".join(lines).replace("half way", "nearly there") + "\n")
        raw.unlink()
        await until(lambda: _plays(client, "nearly there"))
        answer = await say(client, "a chart")
    (chart,), (note,) = answer.values("8")
    assert [[chart], [{**note, "data": "half way"}]] == before.values("8")
    assert (note["data"], answer.text) == ("nearly there", "Here.")


@pytest.mark.slow
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_turn_that_waited_is_one_file_and_waits_again(studio: Studio, api: str) -> None:
    calls = [
        {"name": "ask_form", "arguments": {}, "client": True},
        {"name": "send_mail", "arguments": {}, "approval": True, "result": {"sent": "ada"}},
    ]
    script = studio.write(
        "../script.json", {"seed": 1, "rules": [{"steps": [{"tool_calls": calls}, {"text": "Done."}]}]}
    )
    wire = {"AZURE_OPENAI_API": api}
    before = await waited(server := studio.recording({"MOCK_SCRIPT": str(script)}, **wire))
    server.stop()
    assert [path.name for path in sorted(studio.folder.glob("*.yaml"))] == ["01-a-trip.yaml", "seed.yaml"]
    server = studio.replaying(None, **wire)
    assert await waited(server) == before
    path = studio.folder / "01-a-trip.yaml"
    # The last two, where parameters were refused before.
    raws = [raw.name for raw in sorted(studio.folder.glob("*.sse"))[-2:]]
    lines = [line for line in path.read_text().splitlines() if not line.endswith(tuple(raws))]
    path.write_text("\n".join(lines).replace("Done", "Ready") + "\n")
    async with server.client() as client:
        await until(lambda: _plays(client, "Ready."))
    after = await waited(server, "another-trip")
    assert "Ready." in after[1]
    assert ("approvalId" in after[0], "approvalId" in before[0]) == (True, True)


async def _plays(client: httpx2.AsyncClient, words: str) -> bool:
    return words in (await client.get("/__mock__/scenarios/default")).text


async def waited(server: Server, conversation_id: str = "trip") -> list[str]:
    """What a front end reads of a turn that waits for it, and of how that goes on."""
    async with server.client() as client:
        body = {"message": "a trip", "id": conversation_id, "approvals": True}
        asked = await client.post("/chat?protocol=ui", json=body)
        ids = dict.fromkeys(re.findall(r'"toolCallId":"([^"]+)"', asked.text))
        approval = re.findall(r'"approvalId":"([^"]+)"', asked.text)
        form, mail = ({"type": "tool-any", "toolCallId": one} for one in ids)
        parts = [
            {**form, "state": "output-available", "output": 1},
            {**mail, "state": "approval-responded", "approval": {"id": approval[0], "approved": True}},
        ]
        messages = [{"id": "m", "role": "assistant", "parts": parts}]
        onward = await client.post("/chat?protocol=ui", json={"id": conversation_id, "messages": messages})
        assert '"output":{"sent":"ada"}' in onward.text
        return [asked.text, onward.text]
