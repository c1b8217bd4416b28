"""Scenarios in the emulator alone: other programs name theirs by a header or by their key."""

from __future__ import annotations

from typing import Any

import httpx2
from openai.types.chat import ChatCompletion

from tests.emulator.conftest import Emulate
from tests.harness.emulator import HI, VERSION
from tests.harness.http_client import PLAIN


async def test_the_key_of_a_program_names_its_scenario(emulate: Emulate) -> None:
    served = emulate("rules: [{text: default}]")
    async with httpx2.AsyncClient(base_url=served.url, **PLAIN) as control:
        script: dict[str, Any] = {"rules": [{"when": {"userid": "ada", "mode": "chat"}, "text": "mine"}]}
        assert (await control.put("/__mock__/scenarios/my-test", json=script)).status_code == 200
        said = []
        for key in ("my-test", "another-key"):
            async with served.azure(api_key=key) as azure:
                made = await azure.chat.completions.create(model="gpt-4o", messages=HI, user="ada")  # type: ignore[arg-type]
                said.append(made.choices[0].message.content)
        bearer = {"authorization": "Bearer my-test"}
        body = {"model": "gpt-4o", "messages": HI, "user": "ada"}
        answer = await control.post("/v1/chat/completions", json=body, headers=bearer)
        said.append(answer.json()["choices"][0]["message"]["content"])
        assert said == ["mine", "default", "mine"]
        (first, second) = (await control.get("/__mock__/scenarios/my-test/journal")).json()
        assert (first["side"], first["turn"], first["rule"], first["headers"]["api-key"]) == ("model", None, 0, "***")
        assert second["path"] == "/v1/chat/completions"


async def test_a_header_that_names_no_scenario_is_a_404(emulate: Emulate) -> None:
    served = emulate()
    async with served.http() as http:
        path = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
        answer = await http.post(path, json={"messages": HI}, headers={"x-mock-scenario": "nowhere"})
    assert answer.status_code == 404
    assert "PUT /__mock__/scenarios/nowhere" in answer.json()["error"]["message"]


async def test_where_a_key_is_needed_the_control_needs_it_too(emulate: Emulate) -> None:
    served = emulate(api_key="secret")
    async with httpx2.AsyncClient(base_url=served.url, **PLAIN) as http:
        path = "/__mock__/scenarios"
        assert (await http.get(path)).status_code == 401
        assert (await http.get(path, headers={"api-key": "wrong"})).status_code == 401
        assert (await http.get(path, auth=("any", "wrong"))).status_code == 401
        assert (await http.get(path, headers={"api-key": "secret"})).json() == ["default"]
        assert (await http.get(path, auth=("any", "secret"))).json() == ["default"]
        assert (await http.get("/__mock__/schema.json")).status_code == 200


async def test_what_the_service_says_of_its_calls_is_not_taken_from_others(emulate: Emulate) -> None:
    served = emulate("rules: [{when: {userid: eve}, text: fooled}]")
    async with served.http() as http:
        path = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
        for said in ('{"userid": "eve"}', "{", "[]"):
            answer = await http.post(path, json={"messages": HI}, headers={"x-mock-call": said})
            assert ChatCompletion(**answer.json()).choices[0].message.content == "You said: hi"
