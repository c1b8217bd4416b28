"""What a start and its first answer load: of large packages the parts that they need, and nothing for other engines."""

from __future__ import annotations

import asyncio
import re
from importlib.metadata import packages_distributions

import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.model import Upstream
from tests.harness.processes import ROOT
from tests.harness.service import Kind

pytestmark = pytest.mark.slow

# Of what `requirements.txt` installs, what may be loaded; most of it by what stands before a colon.
PACKAGES = set(
    """
    mockbackend: environs msgspec multipart orjson packaging starlette anyio idna sniffio uvloop yaml
    environs: dotenv marshmallow
    aiosqlite filelock
    hypercorn: h11 h2 hpack hyperframe priority wsproto
    aiohttp: aiohappyeyeballs aiosignal attr frozenlist multidict propcache yarl
    openai: distro httpx2 pydantic pydantic_core annotated_types typing_extensions typing_inspection
    langgraph: langgraph_sdk ormsgpack xxhash
    langchain_core: langchain_protocol jsonpatch jsonpointer tenacity uuid_utils
    langsmith: certifi charset_normalizer requests requests_toolbelt urllib3 zstandard
    """.replace(":", "").split()
)
# Of packages of which most may not be loaded, what may.
PARTS = {
    "openai.types": {
        *("chat", "completion_usage", "responses.function_tool_param", "shared", "shared_params"),
        "websocket_reconnection",
    },
    "langsmith.types": {"run_select_field"},
    "langgraph_sdk": {"auth"},
    "mockbackend.emulator": set[str](),
    "mockbackend.mock.recording": set[str](),
    "mockbackend.storage.postgres": set[str](),
}


def installed() -> set[str]:
    """The packages of `requirements.txt`, by the names under which they are imported."""
    named = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    return {
        package
        for package, distributions in packages_distributions().items()
        if named & {name.lower().replace("_", "-") for name in distributions}
    }


@pytest.mark.parametrize("kind", ["serve", "hypercorn"])
async def test_a_first_answer_loads_what_it_needs(start_server: StartServer, kind: Kind) -> None:
    async with Upstream() as model:
        server = start_server({**model.settings, "PYTHONPROFILEIMPORTTIME": "1"}, kind, fresh=True)
        async with server.client() as client, asyncio.TaskGroup() as group:
            asked = group.create_task(chat(client, {"message": "Hello"}))
            await (await model.call()).answer("Hi")
        assert asked.result().status == 200
    loaded = set(re.findall(r"^import time: .*\| +(\S+)$", server.log, re.MULTILINE))
    assert "langgraph.graph" in loaded
    assert ({name.split(".")[0] for name in loaded} & installed()) - PACKAGES == set()
    for package, parts in PARTS.items():
        within = {name.removeprefix(f"{package}.") for name in loaded if name.startswith(f"{package}.")}
        assert {name for name in within if not any(f"{name}.".startswith(f"{part}.") for part in parts)} == set()
