"""LangChain without LangSmith: what people write goes to the model alone.

LangChain loads LangSmith and its HTTP client, a quarter of all that a start would load, to ask in each run whether that
is to be traced. It never is, whatever the environment says. This module relies on private parts of both: the switch of
LangSmith, and where LangChain keeps what it has been asked to call. `tests/agent/test_untraced.py` says if they move.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.globals import get_debug

# As long as nobody can call these, nobody can have asked for anything to be called beside a run. They come after all
# that their modules import, for which a thread may need a while.
LANGSMITH = ("langsmith.run_helpers", "get_tracing_context")
HOOKS = ("langchain_core.tracers.context", "register_configure_hook")
SWITCH = "_GLOBAL_TRACING_ENABLED"
# What is said of a run, and asks for nothing to be called.
SAID = ("inheritable_tags", "inheritable_metadata", "langsmith_inheritable_tags", "langsmith_inheritable_metadata")
_configure: Any = AsyncCallbackManager.configure


def never_trace() -> None:
    """Switch off LangSmith for this process, and do not load it for a run."""
    try:
        switches = importlib.import_module("langsmith._internal._context")
    except ImportError:
        switches = None
    if hasattr(switches, SWITCH):
        setattr(switches, SWITCH, False)
    else:
        from langsmith import configure

        configure(enabled=False)
    AsyncCallbackManager.configure = classmethod(_configured)  # type: ignore[method-assign, assignment]


def has_langsmith() -> bool:
    """Whether LangSmith is loaded."""
    return _is_loaded(*LANGSMITH)


def load_langsmith() -> None:
    """Import what LangChain imports for a tool's first call, which takes a tenth of a second."""
    for name in (LANGSMITH[0], HOOKS[0], "langchain_core.tracers.stdout"):
        importlib.import_module(name)


def _is_loaded(module: str, name: str) -> bool:
    return hasattr(sys.modules.get(module), name)


def _configured(cls: type[AsyncCallbackManager], *callbacks: Any, **options: Any) -> AsyncCallbackManager:
    """In place of `configure`, which loads LangSmith: a manager that calls nobody, unless somebody is named."""
    asks = callbacks or any(value for name, value in options.items() if name not in SAID)
    if asks or get_debug() or has_langsmith() or _is_loaded(*HOOKS):
        return _configure.__func__(cls, *callbacks, **options)  # type: ignore[no-any-return]
    manager = cls([])
    manager.add_tags(options.get("inheritable_tags") or [])
    manager.add_metadata(options.get("inheritable_metadata") or {})
    return manager
