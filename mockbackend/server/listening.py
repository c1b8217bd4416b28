"""The socket that the service listens on, opened before anything slow is imported.

A port in use is then reported at once, and early connections wait instead of failing.
"""

from __future__ import annotations

import socket
import sys

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket | None:
    """Listen there, or print why that is impossible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        print(f"cannot listen on {host}:{port}: {reason}", file=sys.stderr)
        return None
