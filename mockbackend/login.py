"""The API's one login: the configured one, or one that is generated and kept where all workers find it."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from .settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Login:
    """A login; `generated` where nobody configured one."""

    username: str
    password: str
    generated: bool = False

    def admits(self, credentials: str) -> bool:
        """Whether `user:password` is this login, in a time that does not depend on where they differ."""
        return hmac.compare_digest(credentials.encode(), f"{self.username}:{self.password}".encode())


def load_login(settings: Settings) -> Login:
    """The configured login, or the generated one of DATA_DIR (file `login`, mode 0600).

    Raises OSError, and SettingsError where that file holds none.
    """
    if settings.backend_auth_username:
        return Login(settings.backend_auth_username, settings.backend_auth_password)
    path = settings.data_dir / "login"
    with FileLock(settings.data_dir / "setup.lock"):
        if not path.exists():
            _write(path, f"mock:{secrets.token_urlsafe(12)}\n")
    username, _, password = path.read_text(errors="replace").strip().partition(":")
    if not username or not password:
        # An empty one would let everybody in.
        raise SettingsError([f"DATA_DIR: {path} holds no login (user:password); remove it, and one is generated"])
    return Login(username, password, generated=True)


def _write(path: Path, content: str) -> None:
    temporary = path.with_suffix(".part")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    os.replace(temporary, path)
