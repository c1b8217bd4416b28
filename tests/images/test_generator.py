"""Images over the wire: both kinds of response, the options, every kind of trouble, and where images are served."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import Answer, chat
from tests.harness.api import stored
from tests.harness.emulator import KEY, Rule
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT
from tests.harness.service import Server
from tests.harness.world import World, start_world

LIMIT = 3_000_000
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = re.compile(r"!\[Generated Image\]\((http://127\.0\.0\.1:\d+/images/([A-Za-z0-9_-]{32}))\)")
FILTERED = "content filter refused the request"
OWN = "an internal error"


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of trouble; `name` is the prompt that causes it, `page` its row in docs/reliability.md."""

    name: str
    rule: Rule
    says: str
    page: str
    refused: bool = False


def _url_fault(name: str, kind: str, says: str, page: str, **keys: Any) -> Row:
    return Row(name, {"fault": {"kind": kind, **keys}}, says, page)


REFUSED = [
    Row(
        f"refused as {code}",
        {"fault": {"kind": "image_refused", "code": code}},
        FILTERED,
        "image refused by the filter",
        True,
    )
    for code in ("content_policy_violation", "moderation_blocked", "contentFilter", "content_filter")
]
# Of any model.
ROWS = [
    *REFUSED,
    Row("blocked", {"fault": {"kind": "account_blocked"}}, "blocked this account", "account blocked"),
    Row("busy", {"fault": {"kind": "status", "status": 429}}, "in a minute", "rate limit on images"),
    Row("broken", {"fault": {"kind": "status", "status": 500}}, OWN, "server error on images"),
    Row("gateway", {"fault": {"kind": "status", "status": 504, "body": "html"}}, OWN, "server error on images"),
    Row("a page", {"fault": {"kind": "html"}}, "an invalid response", "a page instead of an image"),
    Row("an error", {"fault": {"kind": "error_200"}}, "failed while answering", "error with status 200 on images"),
    Row("slow", {"delay": 30}, "did not respond in time", "image too slow"),
]
# Of those that answer with a URL.
URL_ROWS = [
    _url_fault("gone", "image_gone", "status 404", "image's URL gone"),
    _url_fault("none", "image_not_image", "not a PNG", "image's URL is a page"),
    _url_fault("huge", "image_huge", "too large", "image's URL without end"),
    _url_fault("silent URL", "image_slow", "did not answer in time", "image's URL is silent", seconds=30),
    Row("no address", {"url": "file:///etc/passwd"}, "must begin with http", "image's URL gone"),
]
RULES: list[Rule] = [{"kind": "image", "when": {"equals": row.name}, **row.rule} for row in (*ROWS, *URL_ROWS)] + [
    {"kind": "image", "when": {"equals": "as it was said"}, "revised_prompt": ""},
    {"kind": "image", "when": {"equals": "revised"}, "revised_prompt": "A red fox in the snow"},
    {
        "when": {"equals": "paint it"},
        "steps": [
            {"tool_calls": [{"name": "generate_image", "arguments": {"prompt": "a boat"}}]},
            {"text": "There."},
        ],
    },
    {
        "when": {"equals": "paint what is refused"},
        "steps": [
            {"tool_calls": [{"name": "generate_image", "arguments": {"prompt": REFUSED[0].name}}]},
            {"text": "Sorry."},
        ],
    },
]
ENV = {"IMAGE_TIMEOUT_SECONDS": "1", "MAX_IMAGE_BYTES": str(LIMIT)}


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A model of gpt-image's kind: base64, usage, no revised prompt."""
    with start_world(tmp_path_factory.mktemp("gpt"), RULES, ENV, image="gpt-image-1") as both:
        yield both


@pytest.fixture(scope="module")
def dalle(gpt: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One of DALL-E's kind, at the same emulator: a URL and a revised prompt."""
    settings = gpt.emulator.settings(image="dall-e-3")
    with Server(tmp_path_factory.mktemp("dalle"), {**settings, **ENV}) as server:
        yield World(gpt.emulator, server)


async def _draw(both: World, prompt: str, **image: str) -> Answer:
    async with both.server.client() as client:
        return await chat(client, {"message": prompt, "mode": "image", "image": image})


async def test_base64_is_one_paragraph_with_usage(gpt: World) -> None:
    answer = await _draw(gpt, "a red fox")
    assert answer.codes == "f20ed"
    assert PICTURE.fullmatch(answer.text)
    usage = answer.values("d")[0]["usage"]
    assert usage["promptTokens"] > 0
    assert usage["completionTokens"] > 0
    assert answer.values("d")[0]["finishReason"] == "stop"


async def test_a_url_and_a_revised_prompt_are_two_paragraphs_without_usage(dalle: World) -> None:
    answer = await _draw(dalle, "revised")
    assert answer.codes == "f20ed"
    (text,) = answer.values("0")
    image, revised = text.split("\n\n")
    assert PICTURE.fullmatch(image)
    assert revised == "*Revised prompt: A red fox in the snow*"
    usage = answer.values("d")[0]["usage"]
    assert (usage["promptTokens"], usage["completionTokens"]) == (0, 0)


async def test_a_prompt_that_was_not_revised_leaves_one_paragraph(dalle: World) -> None:
    answer = await _draw(dalle, "as it was said")
    assert PICTURE.fullmatch(answer.text)


async def test_an_image_is_served_to_everyone_who_has_its_url(gpt: World) -> None:
    answer = await _draw(gpt, "a house")
    found = PICTURE.fullmatch(answer.text)
    assert found
    async with httpx2.AsyncClient(**PLAIN) as nobody:
        response = await nobody.get(found[1])
        missing = await nobody.get(f"{gpt.server.url}/images/{'a' * 32}")
    assert response.status_code == 200
    assert response.content.startswith(PNG)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert missing.status_code == 404


async def test_the_conversation_goes_on_in_chat_after_an_image(dalle: World) -> None:
    async with dalle.server.client() as client:
        answer = await chat(client, {"message": "revised", "mode": "image"})
        again = await chat(client, {"id": answer.conversation_id, "message": "Nice."})
        assert (again.text, again.errors) == ("You said: Nice.", [])
        drawn = await chat(client, {"id": answer.conversation_id, "message": "a hat for it", "mode": "image"})
        assert drawn.errors == []
        messages = await stored(client, answer.conversation_id)
    assert [message["role"] for message in messages] == ["user", "assistant"] * 3
    assert messages[1]["content"] == answer.text
    (sent,) = dalle.emulator.asked("Nice.")
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"] == "[An image was made and shown here: A red fox in the snow]"


async def test_options_are_sent_only_if_they_are_set(dalle: World, gpt: World) -> None:
    emulator = gpt.emulator
    bare = {"n": 1, "size": "1024x1024"}
    assert (await _draw(dalle, "plain d")).errors == []
    assert emulator.asked("plain d") == [{"prompt": "plain d", "model": "dall-e-3", **bare}]
    options = {"size": "1792x1024", "quality": "hd", "style": "natural"}
    assert (await _draw(dalle, "styled d", **options)).errors == []
    assert emulator.asked("styled d") == [{"prompt": "styled d", "model": "dall-e-3", "n": 1, **options}]
    assert (await _draw(gpt, "wide g", size="1536x1024", quality="low")).errors == []
    assert emulator.asked("wide g")[0] | {"size": "1536x1024", "quality": "low"} == emulator.asked("wide g")[0]


async def test_the_error_names_an_option_whose_value_is_not_supported(gpt: World) -> None:
    answer = await _draw(gpt, "too fine", quality="hd")
    assert answer.errors == ["The model does not support this value of 'quality'. Please choose another."]
    assert (await _draw(gpt, "fine", quality="high")).errors == []


@pytest.mark.slow
async def test_a_refused_style_is_left_out_and_remembered(gpt: World, start_server: StartServer) -> None:
    settings = gpt.emulator.settings(image="gpt-image-1")
    server = start_server({**settings, "IMAGE_STYLE": "vivid", "IMAGE_QUALITY": "low"})
    both = World(gpt.emulator, server)
    assert (await _draw(both, "first style")).errors == []
    assert [body.get("style") for body in gpt.emulator.asked("first style")] == ["vivid", None]
    assert [body["quality"] for body in gpt.emulator.asked("first style")] == ["low", "low"]
    assert (await _draw(both, "second style")).errors == []
    assert [body.get("style") for body in gpt.emulator.asked("second style")] == [None]


async def _fails(both: World, row: Row) -> None:
    async with both.server.client() as client:
        answer = await chat(client, {"message": row.name, "mode": "image"})
        assert answer.codes == "f23ed"
        assert row.says in answer.errors[0]
        for inside in (KEY, "127.0.0.1", str(both.emulator.port), "safety system"):
            assert inside not in answer.body.decode()
        # Whatever happened, it was requested once.
        assert len([body for body in both.emulator.asked(row.name) if body["model"] == _model(both)]) == 1
        user, said = await stored(client, answer.conversation_id)
        assert (user["content"], said["content"]) == (row.name, "")
        assert said["annotations"] == [{"type": "incomplete", "error": answer.errors[0]}]
        after = f"after {row.name} of {_model(both)[:3]}"
        again = await chat(client, {"id": answer.conversation_id, "message": after})
        assert (again.text, again.errors) == (f"You said: {after}", [])
        sent = both.emulator.asked(after)[0]["messages"]
        users = [message["content"] for message in sent if message["role"] == "user"]
        assert users == ([after] if row.refused else [row.name, after])


def _model(both: World) -> str:
    return "dall-e-3" if "dalle" in both.server.data_dir.parent.name else "gpt-image-1"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_trouble_with_an_image_is_one_error_and_no_retry(gpt: World, row: Row) -> None:
    await _fails(gpt, row)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", URL_ROWS, ids=lambda row: row.name)
async def test_trouble_with_an_images_url_is_an_error(dalle: World, row: Row) -> None:
    began = time.monotonic()
    await _fails(dalle, row)
    assert time.monotonic() - began < 15


async def test_the_chat_model_makes_an_image_with_a_tool(gpt: World) -> None:
    async with gpt.server.client() as client:
        answer = await chat(client, {"message": "paint it"})
        assert answer.errors == []
        assert PICTURE.search(answer.text)
        assert answer.text.endswith("There.")
        assert answer.values("a")[0]["result"] == {"shown": True, "revised_prompt": "a boat"}
        again = await chat(client, {"id": answer.conversation_id, "message": "And now?"})
        assert again.errors == []


async def test_only_the_model_reads_that_a_tools_image_was_refused(gpt: World) -> None:
    async with gpt.server.client() as client:
        answer = await chat(client, {"message": "paint what is refused"})
    assert (answer.text, answer.errors) == ("Sorry.", [])
    assert FILTERED in answer.values("a")[0]["result"]["error"]


async def test_without_an_image_deployment_there_are_no_images(gpt: World, start_server: StartServer) -> None:
    async with start_server(gpt.emulator.settings()).client() as client:
        answer = await chat(client, {"message": "a fox", "mode": "image"})
        assert answer.status == 422
        assert "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME" in answer.json()["error"]["message"]
        assert (await client.get("/conversations")).json() == []
        await chat(client, {"message": "offered nothing"})
    tools = [tool["function"]["name"] for tool in gpt.emulator.asked("offered nothing")[0]["tools"]]
    assert tools
    assert "generate_image" not in tools


def test_every_kind_of_trouble_has_its_row_on_the_page() -> None:
    page = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "reliability.md").read_text(), re.MULTILINE)
    assert {row.page for row in (*ROWS, *URL_ROWS)} - set(page) == set()
