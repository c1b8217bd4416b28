"""What LangChain is asked to call beside a run is called; LangSmith is loaded for nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.harness.processes import ROOT, environment

pytestmark = pytest.mark.slow

START = """
import asyncio, sys
from types import SimpleNamespace
from langchain_core.callbacks import AsyncCallbackHandler, AsyncCallbackManager
from mockbackend.server.unused import fast_imports
with fast_imports():
    from mockbackend.agent import untraced
    from mockbackend.agent.graph import compile_graph, run_for_nothing

class Names(AsyncCallbackHandler):
    async def on_chain_start(self, serialized, inputs, *, name="", **options):
        print(name, end=" ")

def run(**config):
    over = SimpleNamespace(calls=[], answer=SimpleNamespace(finish="stop"))
    update = {"messages": {"base_length": 0, "new_messages": []}}
    return compile_graph().ainvoke(update, config, context=over, stream_mode=[])

asyncio.run(run_for_nothing())
assert not untraced.has_langsmith()
"""


def printed(program: str) -> str:
    command = [sys.executable, "-c", START + program]
    return subprocess.check_output(command, cwd=ROOT, env=environment({"LANGSMITH_TRACING": "true"}), text=True).strip()


@pytest.mark.parametrize("first", ["", "untraced.load_langsmith()\n"])
def test_a_handler_of_a_run_is_called(first: str) -> None:
    assert printed(f"{first}asyncio.run(run(callbacks=[Names()]))") == "LangGraph model"


def test_a_hook_of_langchain_is_called() -> None:
    program = """
from contextvars import ContextVar
from langchain_core.tracers.context import register_configure_hook

names = ContextVar("names", default=Names())
register_configure_hook(names, inheritable=True)
asyncio.run(run())
"""
    assert printed(program) == "LangGraph model"


def test_a_plain_run_is_said_to_be_what_it_is_without_langsmith_too() -> None:
    program = """
def made():
    manager = AsyncCallbackManager.configure(
        inheritable_tags=["a"], inheritable_metadata={"b": 1}, langsmith_inheritable_metadata={"c": 2}
    )
    return {**vars(manager)}

before = made()
assert not untraced.has_langsmith()
untraced.load_langsmith()
print(before == made(), before["tags"], before["inheritable_metadata"])
"""
    assert printed(program) == "True ['a'] {'b': 1}"


def test_a_run_does_not_wait_until_a_thread_has_imported_langsmith() -> None:
    program = """
name, _ = untraced.LANGSMITH
# As it is meanwhile.
sys.modules[name] = type(sys)(name)
asyncio.run(run_for_nothing())
print(untraced.has_langsmith())
"""
    assert printed(program) == "False"
