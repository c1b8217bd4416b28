"""README's page and route, as they stand there, against the real server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import httpx2
import pytest

from tests.clients.client import LOGIN, Process, until
from tests.clients.packages import HERE, NODE
from tests.harness.processes import ROOT
from tests.harness.service import AUTH, Server

ADA = {**LOGIN, "userid": "ada"}
EXAMPLES = HERE / "readme"
PAGES = {"ai-sdk-4": "data-stream.jsx", "ai-sdk-5": "ui-message-stream.jsx"}
PAGES |= {"ai-sdk-6": "ui-message-stream.jsx", "ai-sdk-7": "ui-message-stream.jsx"}


def test_the_readme_shows_the_files_that_are_tested() -> None:
    section = (ROOT / "README.md").read_text().split("## From a front end\n")[1].split("\n## ")[0]
    shown = re.findall(r"```jsx?\n(.*?)```", section, re.DOTALL)
    assert shown == [(EXAMPLES / name).read_text() for name in ("data-stream.jsx", "ui-message-stream.jsx", "route.js")]


@pytest.mark.parametrize("kind", PAGES)
def test_the_page_and_the_route_work_together(
    kind: str, processes: Callable[[str], Process], backend: Server, http: httpx2.Client
) -> None:
    user, password = AUTH
    env = {"BACKEND_URL": backend.url, "BACKEND_AUTH_USERNAME": user, "BACKEND_AUTH_PASSWORD": password}
    known = {one["id"] for one in http.get("/conversations", headers=ADA).json()}
    paths = ["/api/conversations?limit=200", "/api/chat/none/stream", "/api/conversations/none"]
    answers = {"plain": "all of them.", "think": "It is so."}
    done = processes(kind)("example", file=PAGES[kind], env=env, say=["plain", "think"], until=answers, ask=paths)
    question, answer, *_, last = done["shown"]
    assert question == "user: plain"
    assert answer == "assistant: Words, Grüße and a\u2028line — all of them."
    assert last.endswith("It is so.")
    listed, joined, missing = (done["answers"][path] for path in paths)
    (row,) = [one for one in json.loads(listed["text"]) if one["id"] not in known]
    assert row["title"] == "plain"
    # The last word may be shown before its turn is stored.
    until(lambda: http.get(f"/conversations/{row['id']}", headers=ADA).json(), lambda row: row["message_count"] == 4)
    assert (joined["status"], joined["text"]) == (204, "")
    assert (missing["status"], json.loads(missing["text"])["error"]["code"]) == (404, "not_found")


def test_the_route_refuses_what_a_form_of_another_site_can_send() -> None:
    program = f"""const {{ POST }} = await import("file://{EXAMPLES / "route.js"}");
    globalThis.fetch = async () => new Response(null, {{ status: 200 }});
    for (const type of [undefined, "text/plain", "multipart/form-data", "application/json; charset=utf-8"]) {{
        const headers = type ? {{ "content-type": type }} : {{}};
        const request = new Request("http://site.example/api/chat", {{ method: "POST", body: "{{}}", headers }});
        console.log((await POST(request)).status);
    }}"""
    command = [str(NODE), "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["415", "415", "415", "200"]
