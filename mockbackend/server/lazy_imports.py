"""Packages whose insides are loaded when somebody asks for one of their names, if ever.

`import openai` loads every type of its API, and `import langgraph` a client of LangGraph's servers: of both nothing is
used here, and they took an eighth of the start. The standard library's LazyLoader cannot defer a package whose
submodules are imported, as these are: it loads on any attribute, `__path__` too.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any


def defer(*names: str) -> None:
    """Put these packages into `sys.modules` unloaded; one that is loaded already, or not installed, stays as it is."""
    for name in names:
        if name not in sys.modules:
            _defer(name)


def _defer(name: str) -> None:
    top, *below = name.split(".")
    found = importlib.util.find_spec(top)
    if found is None or not found.submodule_search_locations:
        return
    # A submodule's own `find_spec` would import its parent.
    folder = Path(found.submodule_search_locations[0], *below)
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        return
    loader, module = spec.loader, importlib.util.module_from_spec(spec)
    # Whoever asks meanwhile in another thread waits; the package itself may ask while it is loaded.
    loading, is_begun = threading.RLock(), False

    def load(attribute: str) -> Any:
        nonlocal is_begun
        with loading:
            if not is_begun:
                is_begun = True
                loader.exec_module(module)
        if module.__dict__["__getattr__"] is not load:
            # The package has one of its own.
            return getattr(module, attribute)
        try:
            return module.__dict__[attribute]
        except KeyError:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}") from None

    module.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[name] = module
