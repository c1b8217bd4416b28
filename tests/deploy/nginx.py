"""Debian's nginx with one of the repository's configurations."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.harness.processes import ROOT, free_port
from tests.harness.service import Server

# Neither changes a thing for an ordinary user; root's nginx runs its workers as www-data.
AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def nginx(name: str, upstreams: Mapping[str, int], *, as_nobody: bool = False) -> Iterator[Server]:
    """nginx with this file of deploy/, in which only ports, folders and the addresses of `upstreams` are changed."""
    # Not pytest's folder, which nobody but this user may enter.
    folder = Path(tempfile.mkdtemp(prefix="mockbackend-nginx-"))
    folder.chmod(0o755)
    port = free_port()
    text = (ROOT / "deploy" / name).read_text()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/tmp/mockbackend-nginx-": f"{folder}/nginx-",
        "unix:/dev/log": f"unix:{folder}/log",
        **{f"server {address}": f"server 127.0.0.1:{upstream}" for address, upstream in upstreams.items()},
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    conf = folder / "nginx.conf"
    conf.write_text(text)
    if as_nobody:
        shutil.chown(folder, "nobody", "nogroup")
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is missing: bash tests/run installs it"
    command = [
        *(AS_NOBODY if as_nobody else []),
        *(program, "-c", str(conf), "-g", f"daemon off; pid {folder}/nginx.pid;"),
    ]
    try:
        with Server(folder, command=command, port=port) as running:
            yield running
    finally:
        shutil.rmtree(folder)
