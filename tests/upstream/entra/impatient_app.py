"""The service, which waits for a token for a second."""

from __future__ import annotations

from mockbackend.app import create_app
from mockbackend.upstream import entra

entra.TOKEN_SECONDS = 1.0
app = create_app()
