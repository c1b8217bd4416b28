"""The API's login: the configured one, or one that storage generates and keeps for all processes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from ..settings import Settings, SettingsError
from ..storage import Storage


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and a password. `generated` says that none was configured."""

    username: str
    password: str
    generated: bool = False

    def admits(self, credentials: str) -> bool:
        """Whether `user:password` is this login, compared in constant time."""
        return hmac.compare_digest(credentials.encode(), f"{self.username}:{self.password}".encode())


async def load_login(settings: Settings, storage: Storage) -> Login:
    """The configured login, or the generated one. Raises OSError, or SettingsError if the stored login is damaged."""
    if settings.backend_auth_username:
        return Login(settings.backend_auth_username, settings.backend_auth_password)
    username, _, password = (await storage.login()).partition(":")
    if not username or not password:
        # An empty login would let everyone in.
        wrong = f"DATA_DIR: {settings.data_dir}/login must hold user:password; remove the file to have one generated"
        if settings.database_url:
            wrong = "DATABASE_URL: the stored login must be user:password; delete it from the table `service`"
        raise SettingsError([wrong])
    return Login(username, password, generated=True)
