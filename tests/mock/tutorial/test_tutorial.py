"""docs/testing.md: its files in a folder of their own, with a real browser and the published test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.packages import NODE, installed
from tests.harness.processes import ROOT, environment, free_port

HERE = Path(__file__).parent
FILES = ("page.html", "server.mjs", "playwright.config.mjs", "fixtures.mjs", "chat.spec.mjs")
BUG = '  form.querySelector("button").addEventListener("click", send);\n'
# Where this machine has its browser.
BROWSER = """
import config from "./playwright.config.mjs";
const launchOptions = { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] };
export default { ...config, use: { ...config.use, launchOptions }, reporter: "list" };
"""


def test_the_page_shows_the_files_that_are_run() -> None:
    text = (ROOT / "docs" / "testing.md").read_text()
    shown = dict(re.findall(r"`([\w.]+)`[^`\n]*:\n\n```\w+\n(.*?)```", text, re.DOTALL))
    assert {name: shown.get(name) for name in FILES} == {name: (HERE / name).read_text() for name in FILES}


@pytest.mark.slow
def test_the_test_catches_a_double_send_and_passes_without_it(tmp_path: Path) -> None:
    packages = installed(HERE)
    ports = {"8010": str(free_port()), "3000": str(free_port())}
    for path in (*(HERE / name for name in FILES), ROOT / "tests" / "clients" / "readme" / "route.js"):
        text = re.sub("8010|3000", lambda found: ports[found[0]], path.read_text())
        (tmp_path / path.name).write_text(text.replace("mockbackend mock", f"{sys.executable} -m mockbackend mock"))
    shutil.copy(ROOT / "clients" / "js" / "mock.mjs", tmp_path)
    shutil.copy(HERE / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    (tmp_path / "browser.config.mjs").write_text(BROWSER)
    found = played(tmp_path, status=1)
    assert "double_send" in found, found
    page = tmp_path / "page.html"
    assert BUG in page.read_text()
    page.write_text(page.read_text().replace(BUG, ""))
    assert "1 passed" in played(tmp_path, status=0)


def played(folder: Path, status: int) -> str:
    """What Playwright prints."""
    program = folder / "node_modules" / "@playwright" / "test" / "cli.js"
    command = [str(NODE), str(program), "test", "--config", "browser.config.mjs"]
    env = environment({})
    env["PATH"] = f"{NODE.parent}:{env['PATH']}"
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout
