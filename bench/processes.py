"""Starting and ending the processes of a measurement."""

import os
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = Path(__file__).parent / ".pycache"


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of every process: only what a program needs to run.

    Both services find compiled modules from the second start on, wherever they are installed.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPYCACHEPREFIX": str(CACHE), **more}


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that this benchmark started, and its children."""
    for number, retry_budget in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is None:
            os.killpg(process.pid, number)
        try:
            process.wait(retry_budget)
        except subprocess.TimeoutExpired:
            continue
        return
