"""The usual stack's own environment, made by uv at the first run and again when its requirements change."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venv-usual"
REQUIREMENTS = HERE / "usual" / "requirements.txt"


def usual_python() -> Path:
    """The interpreter of the usual stack; its packages are installed where they are not yet."""
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("bench: uv is needed to install the usual stack, and is not on PATH")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", version, str(FOLDER)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)
    return python
