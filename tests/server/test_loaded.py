"""What a start and its first answer load: of large packages the parts that they need, and nothing for other engines."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from importlib.metadata import packages_distributions

import pytest

from mockbackend.server.unused import LATE, UNUSED
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.model import Upstream
from tests.harness.processes import ROOT
from tests.harness.service import Kind

pytestmark = pytest.mark.slow

# Of what `requirements.txt` installs, what may be loaded; most of it by what stands before a colon.
PACKAGES = set(
    """
    mockbackend: environs msgspec multipart orjson packaging starlette anyio idna sniffio uvloop
    environs: dotenv marshmallow
    aiosqlite filelock
    hypercorn: h11 h2
    aiohttp: aiohappyeyeballs aiosignal attr frozenlist multidict propcache yarl
    openai: httpx2 pydantic pydantic_core annotated_types typing_extensions typing_inspection
    langgraph: langgraph_sdk ormsgpack xxhash
    langchain_core: uuid_utils langsmith
    """.replace(":", "").split()
)
# Loaded by plain Hypercorn itself, which comes first.
HYPERCORN = {"h2", "hpack", "hyperframe", "priority", "wsproto"}
# Of packages of which most may not be loaded, what may.
PARTS = {
    "openai.types": {"shared.oauth_error_code", "websocket_reconnection"},
    "openai.lib": {"_bedrock_auth", "_client_auth", "_old_api", "_parsing", "_pydantic", "_tools", "azure", "bedrock"},
    "langsmith": {"_internal._context", "_version"},
    "langchain_core.tracers": {"_streaming"},
    "langchain_core.language_models": {"_utils"},
    "langgraph_sdk": {"auth"},
    "pydantic.v1": set[str](),
    "mockbackend.emulator": set[str](),
    "mockbackend.mock": {"context", "drawn", "names", "played_calls", "script.names"},
    "mockbackend.storage.postgres": set[str](),
}
# What a first answer itself loads: it looks for the address of the engine.
BY_THE_ANSWER = {"encodings.idna", "stringprep"}
# Loaded with LangSmith, by the first call of a tool.
WITH_A_TOOL = {"langsmith.types"}


def installed() -> set[str]:
    """The packages of `requirements.txt`, by the names under which they are imported."""
    named = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    return {
        package
        for package, distributions in packages_distributions().items()
        if named & {name.lower().replace("_", "-") for name in distributions}
    }


def imported_in(log: str) -> Counter[str]:
    """How often a process has imported each module: one that is loaded late twice, if it is loaded at all."""
    return Counter(re.findall(r"^import time: .*\| +(\S+)$", log, re.MULTILINE))


def loaded_in(log: str) -> set[str]:
    """The modules that a process has loaded."""
    return {name for name, times in imported_in(log).items() if times > (name in UNUSED or name in LATE)}


def is_part_of(name: str, parts: set[str]) -> bool:
    """Whether a module is one of these, below one or above one."""
    return any(f"{name}.".startswith(f"{part}.") or part.startswith(f"{name}.") for part in parts)


@pytest.mark.parametrize("kind", ["serve", "hypercorn"])
async def test_a_first_answer_loads_what_it_needs(start_server: StartServer, kind: Kind) -> None:
    async with Upstream() as model:
        server = start_server({**model.settings, "PYTHONPROFILEIMPORTTIME": "1"}, kind, fresh=True)
        async with server.client() as client, asyncio.TaskGroup() as group:
            assert (await client.get("/livez")).status_code == 200
            at_the_start = loaded_in(server.log)
            asked = group.create_task(chat(client, {"message": "Hello"}))
            await (await model.call()).answer("Hi")
        assert asked.result().status == 200
    loaded = loaded_in(server.log)
    assert "langgraph.graph" in at_the_start
    assert loaded - at_the_start - BY_THE_ANSWER == set()
    may_be = PACKAGES | HYPERCORN if kind == "hypercorn" else PACKAGES
    assert ({name.split(".")[0] for name in loaded} & installed()) - may_be == set()
    for package, parts in PARTS.items():
        within = {name.removeprefix(f"{package}.") for name in loaded if name.startswith(f"{package}.")}
        assert {name for name in within if not is_part_of(name, parts)} == set()
    # Each of these would be loaded; others need not be named.
    assert {*UNUSED, *LATE} - {*imported_in(server.log)} - WITH_A_TOOL == set()
