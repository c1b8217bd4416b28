"""The two services' own environments, made by uv at the first run and again when their requirements change.

Each holds what its service needs and no more: a tool beside it can make a start slower, by being found and loaded.
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def usual_python() -> Path:
    """The interpreter of the usual stack."""
    return _python(HERE / ".venv-usual", HERE / "usual" / "requirements.txt")


def own_python() -> Path:
    """The interpreter of our service, which is itself run from its folder."""
    return _python(HERE / ".venv-ours", HERE.parent / "requirements.txt")


def _python(folder: Path, requirements: Path) -> Path:
    """The interpreter of an environment; its packages are installed where they are not yet."""
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = requirements.read_text()
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("bench: uv is needed to install the services, and is not on PATH")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", version, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)], check=True)
    stamp.write_text(wanted)
    return python
