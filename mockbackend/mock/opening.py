"""Where the store is, and what its scenarios begin with."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ..settings import Settings, SettingsError
from .script import ScriptError, load_scenarios
from .store import DEFAULT, EMPTY, MockStore, OtherScript
from .watching import digest


def load_scripts(settings: Settings) -> Mapping[str, Any]:
    """What MOCK_SCRIPT is: a checked document for each scenario. Raises SettingsError."""
    if not settings.mock_script:
        return {}
    try:
        return load_scenarios(settings.mock_script)
    except ScriptError as error:
        raise SettingsError([f"MOCK_SCRIPT: {problem}" for problem in error.problems]) from None


def open_mock(settings: Settings, scripts: Mapping[str, Any], *, shared: bool = True) -> MockStore:
    """The store of this host's workers, or one for this process alone; `default` is as the scripts have it.

    Raises SettingsError.
    """
    script = scripts.get(DEFAULT, EMPTY)
    path = str(Path(settings.mock_script).resolve()) if settings.mock_script else ""
    try:
        return MockStore(meeting_place(settings) if shared else None, script, digest(script), path=path)
    except OtherScript as error:
        words = f"MOCK_SCRIPT: {error}. Give both the same, or this one a DATA_DIR of its own"
        raise SettingsError([words]) from error
    except OSError as error:
        raise SettingsError([f"DATA_DIR: {settings.data_dir} cannot be used ({error.strerror or error})"]) from error


async def begin_others(store: MockStore, scripts: Mapping[str, Any], clear: Callable[[str], Awaitable[None]]) -> None:
    """Make the other scenarios that the scripts have, with nothing stored in them. The first process does."""
    for name, script in scripts.items() if store.is_first else ():
        if name != DEFAULT:
            await clear(name)
            store.scenarios.put(name, script, origin=digest(script))


def meeting_place(settings: Settings) -> Path:
    """The folder in which the workers of this host find each other. Raises SettingsError."""
    if not settings.database_url:
        return settings.data_dir
    # Nothing of the service is in a folder, but its workers have to find each other.
    name = hashlib.sha256(f"{settings.database_url} {settings.port}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"mockbackend-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
        raise SettingsError([f"{folder} belongs to another user; the emulator keeps its scenarios there. Remove it."])
    return folder
