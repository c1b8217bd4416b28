"""How the tests' HTTP clients are made: no proxy of the environment's, and no TLS."""

from __future__ import annotations

import ssl
from typing import Any

# All is plain HTTP on this machine. To load the certificates that others trust would cost 25 ms a client.
PLAIN: dict[str, Any] = {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
