"""An environment for each of the two services, created by uv and recreated when its requirements change; older code.

Each holds only what its service needs: an extra package can slow the start by being found and loaded.
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
    """The interpreter of our service; the service itself runs from its folder."""
    return _python(HERE / ".venv-ours", HERE.parent / "requirements.txt")


def code_of(commit: str) -> Path:
    """The service as it was at a commit, in a folder of its own. It runs with today's requirements."""
    name = subprocess.run(
        ["git", "rev-parse", f"{commit}^{{commit}}"], cwd=HERE, check=True, capture_output=True
    ).stdout
    folder = HERE / ".before" / name.decode().strip()
    if not folder.is_dir():
        archive = subprocess.run(
            ["git", "archive", folder.name, "mockbackend"], cwd=HERE.parent, check=True, capture_output=True
        )
        folder.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def _python(folder: Path, requirements: Path) -> Path:
    """The interpreter of an environment, which is created if needed."""
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = requirements.read_text()
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("bench: install uv and put it on PATH; it installs the services")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", version, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)], check=True)
    stamp.write_text(wanted)
    return python
