"""What the endpoints work with: one process's parts, wired in `app.py`."""

from __future__ import annotations

from dataclasses import dataclass

from ..concurrency import Places
from ..documents.documents import Documents
from ..mock.control import Control
from ..mock.store import MockStore
from ..server.sign_in_link import SignInLink
from ..settings import Settings
from ..storage import Storage
from ..turn.follow import Follower
from ..turn.runner import TurnRunner
from ..upstream import Upstream
from .emulator_door import EmulatorDoor
from .failed_logins import FailedLogins
from .incoming import IncomingBytes
from .login import Login
from .storage_probe import StorageProbe


@dataclass(frozen=True, slots=True)
class Mock:
    """What tests ask of the service."""

    store: MockStore
    control: Control


@dataclass(frozen=True, slots=True)
class Service:
    """The open service. Its `Places` are places for each user: none harms the others.

    `emulator` and `mock` are None where a real engine answers, `sign_in` where others can reach the service.
    """

    settings: Settings
    login: Login
    failed_logins: FailedLogins
    probe: StorageProbe
    storage: Storage
    upstream: Upstream
    documents: Documents
    runner: TurnRunner
    follower: Follower
    long_work: Places
    large_bodies: Places
    incoming: IncomingBytes
    reading: Places
    reads: Places
    emulator: EmulatorDoor | None
    mock: Mock | None
    sign_in: SignInLink | None
