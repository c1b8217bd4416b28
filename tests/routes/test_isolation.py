"""What one user stores does not exist for another, tried on every route of the API.

The cases are by method and path; a route that has none fails here, and so must a new one until it has its case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import httpx2
import pytest

from mockbackend.routes import API
from tests.harness.answers import chat
from tests.harness.api import data_url, error_of, png, say
from tests.harness.service import Server
from tests.routes.uploads import upload

SECRET = "Xylophone"
CONTENT = b"A file about the xylophone."


@dataclass(frozen=True)
class Two:
    """An owner with a conversation and a file, and somebody else with a conversation of their own."""

    owner: httpx2.AsyncClient
    other: httpx2.AsyncClient
    conversation_id: str
    token: str
    file_id: str


@pytest.fixture(scope="module")
def unchanged() -> list[Two]:
    """The two that the last test has left as they were, if it has: making them costs more than most tests."""
    return []


@pytest.fixture
async def two(server: Server, unchanged: list[Two], request: pytest.FixtureRequest) -> AsyncIterator[Two]:
    if unchanged:
        found = unchanged.pop()
        owner, other = (server.client(client.headers["userid"]) for client in (found.owner, found.other))
        async with owner, other:
            yield replace(found, owner=owner, other=other)
        return
    name = request.node.name
    async with server.client(f"owner {name}") as owner, server.client(f"other {name}") as other:
        attachment = {"name": "a.png", "url": data_url(png(), "image/png")}
        message = {"role": "user", "content": SECRET, "experimental_attachments": [attachment]}
        begun = await chat(owner, {"messages": [message]})
        await say(other, "Mine")
        stored = (await owner.get(f"/conversations/{begun.conversation_id}")).json()
        token = stored["messages"][0]["experimental_attachments"][0]["url"].rpartition("/")[2]
        (row,) = await upload(owner, (f"{SECRET}.txt", CONTENT))
        yield Two(owner, other, begun.conversation_id, token, row["id"])


def hidden(response: httpx2.Response) -> None:
    """The very answer that an id gets which nobody has."""
    assert error_of(response, 404) == {"code": "not_found", "message": "There is nothing here."}


async def post_chat(two: Two) -> None:
    for body in (
        {"message": "Hello"},
        {"messages": [{"role": "user", "content": "Hello", "id": "msg"}], "trigger": "submit-message"},
        {"message": "A fox", "mode": "image"},
    ):
        for key in ("id", "conversation_id"):
            hidden(await two.other.post("/chat", json={**body, key: two.conversation_id}))


async def post_chat_with_an_image(two: Two) -> None:
    """An image's URL is a capability for reading; it makes nobody its owner."""
    url = f"http://127.0.0.1/images/{two.token}"
    message = {"content": "Look", "experimental_attachments": [{"name": "a.png", "url": url}]}
    error_of(await two.other.post("/chat", json={"messages": [message]}), 422)


async def join_by_query(two: Two) -> None:
    ours = await two.other.get("/chat", params={"chatId": two.conversation_id})
    nobodys = await two.other.get("/chat", params={"chatId": "nobodys"})
    assert (ours.status_code, ours.content) == (nobodys.status_code, nobodys.content) == (200, b"")


async def join(two: Two) -> None:
    ours = await two.other.get(f"/chat/{two.conversation_id}/stream")
    nobodys = await two.other.get("/chat/nobodys/stream")
    assert (ours.status_code, ours.content) == (nobodys.status_code, nobodys.content) == (204, b"")


async def listing(two: Two) -> None:
    assert [row["title"] for row in (await two.other.get("/conversations")).json()] == ["Mine"]
    assert (await two.other.get("/conversations", params={"q": SECRET})).json() == []


async def read(two: Two) -> None:
    hidden(await two.other.get(f"/conversations/{two.conversation_id}"))
    hidden(await two.other.get(f"/conversations/{two.conversation_id}", params={"protocol": "ui"}))


async def change(two: Two) -> None:
    hidden(await two.other.patch(f"/conversations/{two.conversation_id}", json={"title": "Theirs", "is_pinned": True}))


async def delete(two: Two) -> None:
    hidden(await two.other.delete(f"/conversations/{two.conversation_id}"))


async def pin(two: Two) -> None:
    hidden(await two.other.post(f"/conversations/{two.conversation_id}/pin", json={"is_pinned": True}))


async def stop(two: Two) -> None:
    hidden(await two.other.post(f"/conversations/{two.conversation_id}/stop"))


async def upload_of_the_same(two: Two) -> None:
    """The same content under the same name is a separate file, and reveals nothing of the other."""
    (row,) = await upload(two.other, (f"{SECRET}.txt", CONTENT))
    assert row["id"] != two.file_id
    assert (await two.other.delete(f"/files/{row['id']}")).status_code == 204


async def list_files(two: Two) -> None:
    assert (await two.other.get("/files")).json() == []


async def read_file(two: Two) -> None:
    hidden(await two.other.get(f"/files/{two.file_id}"))


async def file_content(two: Two) -> None:
    hidden(await two.other.get(f"/files/{two.file_id}/content"))
    hidden(await two.other.get(f"/files/{two.file_id}/content", headers={"range": "bytes=0-3"}))
    error_of(await two.other.get("/files/..%2flogin/content"), 404)


async def delete_file(two: Two) -> None:
    hidden(await two.other.delete(f"/files/{two.file_id}"))


async def usage(two: Two) -> None:
    """What another user has said, drawn and stored is none of it."""
    found = (await two.other.get("/usage")).json()
    assert (found["turns"], found["images"], found["stored_bytes"]) == (1, 0, 0)
    assert (await two.owner.get("/usage")).json()["stored_bytes"] > 0


async def image(two: Two) -> None:
    """Open to anyone with the token. A shorter token, or another file of the folder, does not exist."""
    assert (await two.other.get(f"/images/{two.token}")).status_code == 200
    for token in ("", two.token[:-1], two.token + "A", two.token.lower() + "0", "..%2flogin", "%2e%2e"):
        error_of(await two.other.get(f"/images/{token}"), 404)


async def tells_nothing(two: Two) -> None:
    """What these say is the same for everybody."""
    for path in ("/health", "/metrics", "/livez", "/readyz", "/openapi.json", "/"):
        response = await two.other.get(path)
        assert response.status_code == 200
        for secret in (SECRET, two.conversation_id, two.token, two.file_id, two.owner.headers["userid"]):
            assert secret not in response.text


async def page(two: Two) -> None:
    for path in ("/page/main.js", "/page/vendor/purify.es.js"):
        assert (await two.other.get(path)).status_code == 200
    for path in (
        "/page/..%2fsettings.py",
        "/page/%2e%2e%2f%2e%2e%2fapp.py",
        "/page/vendor/..%2f..%2fapp.py",
        "/page/none.js",
    ):
        error_of(await two.other.get(path), 404)


Try = Callable[[Two], Awaitable[None]]
TRIES: dict[tuple[str, str], tuple[Try, ...]] = {
    ("POST", "/chat"): (post_chat, post_chat_with_an_image),
    ("GET", "/chat"): (join_by_query,),
    ("GET", "/chat/{id}/stream"): (join,),
    ("GET", "/conversations"): (listing,),
    ("GET", "/conversations/{id}"): (read,),
    ("PATCH", "/conversations/{id}"): (change,),
    ("DELETE", "/conversations/{id}"): (delete,),
    ("POST", "/conversations/{id}/pin"): (pin,),
    ("POST", "/conversations/{id}/stop"): (stop,),
    ("POST", "/files"): (upload_of_the_same,),
    ("GET", "/files"): (list_files,),
    ("GET", "/files/{id}"): (read_file,),
    ("GET", "/files/{id}/content"): (file_content,),
    ("DELETE", "/files/{id}"): (delete_file,),
    ("GET", "/usage"): (usage,),
    ("GET", "/images/{token}"): (image,),
    ("GET", "/health"): (tells_nothing,),
    ("GET", "/metrics"): (tells_nothing,),
    ("GET", "/livez"): (tells_nothing,),
    ("GET", "/readyz"): (tells_nothing,),
    ("GET", "/openapi.json"): (tells_nothing,),
    ("GET", "/"): (tells_nothing,),
    ("GET", "/page/{path}"): (page,),
    ("GET", "/page/vendor/{path}"): (page,),
}


def test_every_route_is_tried() -> None:
    assert set(TRIES) == {(route.method, route.path) for route in API}


@pytest.mark.parametrize("route", TRIES, ids=" ".join)
async def test_no_user_can_see_or_change_what_belongs_to_another(
    two: Two, unchanged: list[Two], route: tuple[str, str]
) -> None:
    before = (await two.owner.get(f"/conversations/{two.conversation_id}")).json()
    for attempt in TRIES[route]:
        await attempt(two)
    assert (await two.owner.get(f"/conversations/{two.conversation_id}")).json() == before
    assert [row["id"] for row in (await two.owner.get("/files")).json()] == [two.file_id]
    assert (await two.owner.get(f"/files/{two.file_id}/content")).content == CONTENT
    assert [row["title"] for row in (await two.other.get("/conversations")).json()] == ["Mine"]
    unchanged.append(two)


async def test_userids_that_look_alike_are_different_users(server: Server) -> None:
    def named(userid: str) -> httpx2.AsyncClient:
        client = server.client(userid=None)
        client.headers = httpx2.Headers([(b"userid", userid.encode())])
        return client

    async with named("Jörg") as owner:
        begun = await say(owner, SECRET)
    for userid in ("jörg", "JÖRG", "Jo\u0308rg", "Jorg", "Jörg2", "%", "J_rg", "*"):
        async with named(userid) as other:
            hidden(await other.get(f"/conversations/{begun.conversation_id}"))
            assert (await other.get("/conversations")).json() == []
