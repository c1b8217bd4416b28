"""Packages that are imported when one of their names is first used, if ever.

`import openai` imports every type of its API, and `import langgraph` clients of LangGraph's servers and of LangSmith.
Nothing here uses them, and together they take a quarter of the start. The standard library's LazyLoader cannot help: it
imports a package as soon as one of its submodules is imported, and some of these are.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

UNUSED = ("openai.types", "openai.types.responses", "langgraph_sdk", "langsmith.types")


@contextmanager
def fast_imports() -> Iterator[None]:
    """Imports without packages that nothing here uses, and without a search for garbage, of which they make none."""
    defer(*UNUSED)
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def defer(*names: str) -> None:
    """Put stand-ins for these packages into `sys.modules`, except those imported already or not installed."""
    for name in names:
        spec = _find(name)
        if spec is not None and name not in sys.modules:
            sys.modules[name] = _stand_in(name, spec)


def _stand_in(name: str, spec: ModuleSpec) -> ModuleType:
    stand_in = module_from_spec(spec)
    lock = threading.Lock()

    def load(attribute: str) -> Any:
        with lock:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = load  # type: ignore[method-assign]
    return stand_in


def _find(name: str) -> ModuleSpec | None:
    # `importlib.util.find_spec` would import the parent.
    parent = name.rpartition(".")[0]
    if not parent:
        return PathFinder.find_spec(name)
    above = _find(parent)
    return above and PathFinder.find_spec(name, above.submodule_search_locations)
