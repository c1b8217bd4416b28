"""Where the store is, and what `default` begins with."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from ..settings import Settings, SettingsError
from .script import ScriptError, load_document
from .store import EMPTY, MockStore
from .watching import digest


def open_mock(settings: Settings, *, shared: bool = True) -> MockStore:
    """The store of this host's workers, or one for this process alone.

    Raises SettingsError for a MOCK_SCRIPT that cannot be used.
    """
    script, origin = EMPTY, b""
    if settings.mock_script:
        try:
            script, origin = load_document(settings.mock_script), digest(Path(settings.mock_script).read_bytes())
        except ScriptError as error:
            raise SettingsError([f"MOCK_SCRIPT: {problem}" for problem in error.problems]) from None
    try:
        return MockStore(_folder(settings) if shared else None, script, origin)
    except OSError as error:
        raise SettingsError([f"DATA_DIR: {settings.data_dir} cannot be used ({error.strerror or error})"]) from error


def _folder(settings: Settings) -> Path:
    if not settings.database_url:
        return settings.data_dir
    # Nothing of the service is in a folder, but its workers have to find each other.
    name = hashlib.sha256(f"{settings.database_url} {settings.port}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"mockbackend-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
        raise SettingsError([f"{folder} belongs to another user; the emulator keeps its scenarios there. Remove it."])
    return folder
