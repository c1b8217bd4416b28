"""Where recordings are written, and what must not stand in them."""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...settings import Settings, SettingsError
from ..store import MockStore
from .recorder import Recorder

SECRET = ("_key", "_password")
ADDRESSES = ("azure_openai_endpoint", "openai_base_url", "azure_search_endpoint", "database_url", "database_direct_url")


def open_recorder(settings: Settings, folder: Path, mock: MockStore | None) -> Recorder:
    """The recorder into MOCK_RECORD. `folder` is where the workers of this host meet. Raises SettingsError.

    Where a real engine answers it has a store of its own, which counts what has come.
    """
    target = Path(settings.mock_record).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
        trial = target / f".{secrets.token_hex(8)}.part"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise SettingsError([f"MOCK_RECORD: {target} cannot be written ({error.strerror or error})"]) from error
    if mock is None:
        now = datetime.now(UTC).replace(microsecond=0)
        drawn = {"seed": secrets.token_hex(4), "now": now.isoformat().replace("+00:00", "Z")}
        script = {**drawn, "engine": settings.engine, "rules": []}
        try:
            mock = MockStore(folder / "recording", script, keeps=False)
        except OSError as error:
            words = f"DATA_DIR: {folder} cannot be used ({error.strerror or error})"
            raise SettingsError([words]) from error
    return Recorder(target, mock, _secret_values(settings))


def _secret_values(settings: Settings) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        if field.name.endswith(SECRET):
            yield str(getattr(settings, field.name))
    for name in ADDRESSES:
        parts = urlsplit(getattr(settings, name))
        yield from (unquote(parts.password or ""), parts.netloc)
        if parts.hostname and not _is_common(parts.hostname):
            yield parts.hostname


def _is_common(host: str) -> bool:
    """Whether a host's name says nothing of an account."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
