"""The API's login: the configured one, or one that storage generates and keeps for all processes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from ..settings import Settings, SettingsError
from ..storage import Storage, StorageError


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
    """The configured login, or the generated one. Raises SettingsError if the stored login cannot be used."""
    if settings.backend_auth_username:
        return Login(settings.backend_auth_username, settings.backend_auth_password)
    try:
        stored = await storage.login()
    except (OSError, StorageError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        raise SettingsError([f"{storage.login_place}: the login cannot be read ({reason})"]) from error
    username, _, password = stored.partition(":")
    if not username or not password:
        # An empty login would let everyone in.
        wrong = f"{storage.login_place}: the login must be user:password; remove it to have one generated"
        raise SettingsError([wrong])
    return Login(username, password, generated=True)
