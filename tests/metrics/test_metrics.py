"""GET /metrics: what a turn counts, in whichever process of the service it ran."""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mockbackend.metrics import METRICS
from tests.conftest import StartServer
from tests.documents.waiting import indexed, over, uploaded
from tests.harness.answers import chat, joining, posting
from tests.harness.api import error_of
from tests.harness.emulator import Rule
from tests.harness.metrics import scrape
from tests.harness.model import Upstream
from tests.harness.postgres import postgres
from tests.harness.postgres_proxy import Proxy
from tests.harness.processes import ROOT
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import start_world
from tests.server.workers import clients_by_worker

ENDS = {"counter": ("",), "gauge": ("",), "histogram": ("", "_bucket", "_sum", "_count")}
SLOW: list[Rule] = [{"when": "slowly", "text": "One two three four five six seven eight.", "tokens_per_second": 2}]
RULES: list[Rule] = [
    {
        "when": {"equals": "the time"},
        "steps": [
            {"tool_calls": [{"name": "get_current_time", "arguments": {}}, {"name": "x\ny", "arguments": {}}]},
            {"text": "Late."},
        ],
    },
    {"when": {"equals": "busy"}, "fault": {"kind": "status", "status": 429, "retry_after_ms": 10}, "times": 1},
    {"when": {"equals": "broken"}, "fault": {"kind": "status", "status": 400}},
    *SLOW,
]


async def test_a_turn_is_counted_to_the_last_token(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with start_world(tmp_path_factory.mktemp("counted"), RULES, image="gpt-image-1") as world:
        async with world.server.client() as client:
            before = await scrape(client)
            assert before("turns_total", mode="chat", outcome="stop") == 0
            answers = [await chat(client, {"message": words}) for words in ("Hello", "the time", "busy", "broken")]
            await chat(client, {"message": "A fox", "mode": "image"})
            after = await scrape(client)
            usages = [answer.values("d")[0]["usage"] for answer in answers]
            assert after("tokens_total", kind="output") >= sum(usage["completionTokens"] for usage in usages) > 0
            assert after("tokens_total", kind="input") >= sum(usage["promptTokens"] for usage in usages) > 0
            assert after("turns_total", mode="chat", outcome="stop") == 3
            assert after("turns_total", mode="chat", outcome="error") == 1
            assert after("turns_total", mode="image", outcome="stop") == 1
            assert after("turn_seconds_count", mode="chat") == 4
            assert after("time_to_first_token_seconds_count", mode="chat") == 3
            assert after("time_to_first_token_seconds_count", mode="image") == 1
            assert 0 < after("time_to_first_token_seconds_sum", mode="chat") < after("turn_seconds_sum", mode="chat")
            assert after("upstream_requests_total", kind="chat", status="200") == 4
            assert after("upstream_requests_total", kind="chat", status="429") == 1
            # What is refused is asked once more, in plain words.
            assert after("upstream_requests_total", kind="chat", status="400") == 2
            assert after("upstream_requests_total", kind="images", status="200") == 1
            assert after("upstream_retries_total", reason="rate_limit") == 1
            assert after("upstream_wait_seconds_count", kind="chat") == 4
            assert after("tools_total", name="get_current_time", outcome="ok") == 1
            assert after("tools_total", name="unknown", outcome="error") == 1
            assert after("http_requests_total", route="/chat", status="200") == 5
            assert after("running_turns") == 0
            (build,) = after.labels_of("build_info")
            assert (build["engine"], build["storage"]) == ("azure", "embedded")


async def test_streams_that_are_read_and_turns_that_run_are_counted_while_they_do(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            async with posting(client, "Hello", id="a") as stream:
                call = await upstream.call()
                async with joining(client, "a") as joined:
                    during = await scrape(client)
                    assert during("running_turns") == 1
                    assert (during("open_streams", kind="own"), during("open_streams", kind="joined")) == (1, 1)
                    assert during("turns_total", mode="chat", outcome="stop") == 0
                    await call.answer("Hi")
                    await joined.rest()
                await stream.rest()

            async def closed() -> bool:
                after = await scrape(client)
                return after("open_streams", kind="own") == after("open_streams", kind="joined") == 0

            await until(closed)
            assert (await scrape(client))("running_turns") == 0


async def test_every_worker_answers_for_all(start_server: StartServer) -> None:
    await _answer_for_all(start_server({"WEB_CONCURRENCY": "2"}, "serve"))


@pytest.mark.slow
async def test_so_do_the_workers_of_plain_hypercorn(tmp_path: Path) -> None:
    hypercorn = ["sh", "-c", f"exec {sys.executable} -m hypercorn -w 2 --bind 127.0.0.1:$PORT app:app"]
    with Server(tmp_path, {}, command=hypercorn, within=90) as server:
        await _answer_for_all(server)


@pytest.mark.slow
async def test_a_file_that_another_server_of_the_same_pid_has_left_counts_for_nobody(tmp_path: Path) -> None:
    left = tmp_path / "left"
    counted = b"mockbackend_turns_total\tchat\tstop\nmockbackend_gone_total\n"
    left.write_bytes(len(counted).to_bytes(8, sys.byteorder) + counted)
    place = f"{tmp_path}/mockbackend-metrics-{os.getuid()}"
    # The shell's pid is Hypercorn's.
    copied = f"cp {left} {place}-$$; cp {left} {place}-$$-0; cp {left} {place}-1-0"
    run = f"{sys.executable} -m hypercorn -w 2 --bind 127.0.0.1:$PORT app:app"
    with Server(
        tmp_path, {"TMPDIR": str(tmp_path)}, command=["sh", "-c", f"{copied}; exec {run}"], within=90
    ) as server:
        await _answer_for_all(server)
        (shared,) = {path.name for path in tmp_path.glob(f"mockbackend-metrics-*-{server.pid}*")}
        assert shared not in (f"{place}-{server.pid}", f"{place}-{server.pid}-0")


async def _answer_for_all(server: Server) -> None:
    async with AsyncExitStack() as stack:
        clients = list((await clients_by_worker(server, stack, 2)).values())
        for client in (*clients, clients[0]):
            await chat(client, {"message": "Hello"})
        found = [await scrape(client) for client in clients]
        assert [one("turns_total", mode="chat", outcome="stop") for one in found] == [3, 3]
        assert [one("http_requests_total", route="/chat", status="200") for one in found] == [3, 3]


@pytest.mark.slow
async def test_a_worker_that_is_killed_takes_its_streams_along_and_leaves_its_counts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with start_world(folder, SLOW) as world:
        settings = {**world.emulator.settings(), "WEB_CONCURRENCY": "2"}
        with Server(folder, settings, "serve", folder / "own") as server:
            async with AsyncExitStack() as stack:
                (killed, doomed), (_, client) = (await clients_by_worker(server, stack, 2)).items()
                await chat(doomed, {"message": "Hello"})
                stream = await stack.enter_async_context(posting(doomed, "slowly", id="a"))
                await stream.until("0")
                assert (await scrape(client))("running_turns") == 1
                os.kill(killed, signal.SIGKILL)

                async def cleared() -> bool:
                    now = await scrape(client)
                    return now("running_turns") == now("open_streams", kind="own") == 0

                await until(cleared)
                assert (await scrape(client))("turns_total", mode="chat", outcome="stop") == 1
                await client.get("/conversations/a")
                assert (await scrape(client))("takeovers_total") == 1
                replaced = await clients_by_worker(server, stack, 2, gone=frozenset({killed}))
                for one in replaced.values():
                    assert (await scrape(one))("turns_total", mode="chat", outcome="stop") == 1


async def test_documents_that_wait_are_counted(server: Server) -> None:
    async with server.client() as client:
        await indexed(client, "a.txt", b"Words.")
        found = await scrape(client)
        assert {labels["status"] for labels in found.labels_of("index_queue")} == {"queued", "extracting", "embedding"}
        assert found("index_queue", status="queued") == 0


@pytest.mark.slow
async def test_of_documents_that_wait_every_worker_says_what_is_true_now(start_server: StartServer) -> None:
    async with Upstream() as upstream, AsyncExitStack() as stack:
        settings = {**upstream.settings, "OPENAI_EMBEDDING_MODEL": "vectors", "WEB_CONCURRENCY": "2"}
        clients = list((await clients_by_worker(start_server(settings, "serve"), stack, 2)).values())
        row = await uploaded(clients[0], "a.txt", b"Words.")
        call = await upstream.call()
        assert [(await scrape(one))("index_queue", status="embedding") for one in clients] == [1, 1]
        await call.refuse(400, b"{}")
        await over(clients[0], row)
        assert [(await scrape(one))("index_queue", status="embedding") for one in clients] == [0, 0]


async def test_a_model_that_does_not_answer_in_time_is_an_error_of_its_kind(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, "OPENAI_IMAGE_MODEL": "images", "IMAGE_TIMEOUT_SECONDS": "0.3"})
        async with server.client() as client:
            answer = await chat(client, {"message": "A fox", "mode": "image"})
            assert answer.values("3") != []
            assert (await scrape(client))("upstream_requests_total", kind="images", status="error") == 1
        await (await upstream.call()).gone()


async def test_the_database_is_seen_too(tmp_path: Path) -> None:
    with postgres().schema() as schema:
        settings = {"DATABASE_URL": postgres().url(schema), "DATABASE_POOL_SIZE": "3"}
        with Server(tmp_path, settings) as server:
            async with server.client() as client:
                await chat(client, {"message": "Hello"})
                found = await scrape(client)
    names = {labels["name"] for labels in found.labels_of("db_statement_seconds_count")}
    assert {"select conversations", "insert conversations", "update turns"} <= names
    assert all(re.fullmatch(r"(select|insert|update|delete) [a-z_]+|transaction|other", name) for name in names)
    assert found("db_pool", state="allowed") == 3
    assert found("db_pool", state="waiting") == 0
    assert found("db_wait_seconds_count") >= len(names)
    assert found.labels_of("build_info")[0]["storage"] == "postgresql"


@pytest.mark.slow
async def test_a_database_that_is_away_does_not_hide_the_other_metrics(start_server: StartServer) -> None:
    with postgres().schema() as schema:
        with Proxy() as proxy:
            server = start_server({"DATABASE_URL": proxy.url(schema)})
        async with server.client() as client:
            found = await scrape(client)
    assert found("build_info", **found.labels_of("build_info")[0]) == 1


@pytest.mark.parametrize("auth", [None, ("u", "wrong")])
async def test_it_needs_the_login_and_no_userid(server: Server, auth: tuple[str, str] | None) -> None:
    async with server.client(userid=None) as client:
        assert (await scrape(client))("running_turns") == 0
        error_of(await client.get("/metrics", auth=auth), 401)


def test_the_operators_page_names_metrics_that_there_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"\bmockbackend_[a-z_]+[a-z]\b(?!\*)", page))
    series = {name + end for name, metric in METRICS.items() for end in ENDS[metric.kind]}
    assert len(named) > 10
    assert named - series == set()
