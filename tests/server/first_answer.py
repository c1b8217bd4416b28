"""A start and a first answer, with whatever versions of packages are installed.

`python -m tests.server.first_answer PACKAGE…` prints as JSON the packages' versions, what the first answer has loaded
of what can be loaded late, the codes of its lines, those of an answer with a tool's call, and whether LangSmith would
trace any of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from mockbackend.server import lazy_imports
from mockbackend.server.unused import UNUSED, fast_imports

with fast_imports():
    from mockbackend.app import create_app

import httpx2

from mockbackend.settings import Settings


def loaded() -> list[str]:
    """What is loaded of what others import and nothing here uses."""
    specs = {name: sys.modules[name].__spec__ for name in UNUSED if name in sys.modules}
    return [name for name, spec in specs.items() if type(spec and spec.loader).__module__ != lazy_imports.__name__]


async def codes(client: httpx2.AsyncClient, message: str) -> str:
    """The codes of an answer's lines, each once."""
    answer = await client.post("/chat", json={"message": message}, auth=("u", "p"), headers={"userid": "ann"})
    return "".join(dict.fromkeys(line[0] for line in answer.text.splitlines()))


async def main(packages: list[str]) -> None:
    """Answer twice, and print all that."""
    os.environ["LANGSMITH_TRACING"] = "true"
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(backend_auth_username="u", backend_auth_password="p", data_dir=Path(folder), port=1)
        app = create_app(settings, announce=False)
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service")
        async with app.router.lifespan_context(app), client:
            first, needless = await codes(client, "Hello"), loaded()
            second = await codes(client, "What time is it in Oslo?")
    from langsmith.utils import tracing_is_enabled

    print(json.dumps([[version(name) for name in packages], needless, first, second, tracing_is_enabled()]))


asyncio.run(main(sys.argv[1:]))
