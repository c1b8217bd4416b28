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
from tests.page.visiting import BROWSER

HERE = Path(__file__).parent
REACT = ("page.html", "chat.jsx", "faults.spec.mjs")
FILES = ("page.html", "server.mjs", "playwright.config.mjs", "fixtures.mjs", "chat.spec.mjs")
BUG = '  form.querySelector("button").addEventListener("click", send);\n'
# Where this machine has its browser.
LAUNCHED = f"""
import config from "./playwright.config.mjs";
const launchOptions = {{ executablePath: "{BROWSER}", args: ["--no-sandbox"] }};
export default {{ ...config, use: {{ ...config.use, launchOptions }}, reporter: "list" }};
"""


def test_the_page_shows_the_files_that_are_run() -> None:
    text = (ROOT / "docs" / "testing.md").read_text()
    shown = dict(re.findall(r"`([\w.]+)`[^`\n]*:\n\n```\w+\n(.*?)```", text, re.DOTALL))
    assert {name: shown.get(name) for name in FILES} == {name: (HERE / name).read_text() for name in FILES}


def test_the_page_shows_the_react_page_and_its_test() -> None:
    section = (
        (ROOT / "docs" / "testing.md").read_text().split("## A React page under ten faults\n")[1].split("\n## ")[0]
    )
    shown = re.findall(r"```(?:html|jsx|js)\n(.*?)```", section, re.DOTALL)
    assert shown == [(HERE / "react" / name).read_text() for name in REACT]


def test_the_page_shows_the_test_of_tools_that_is_run() -> None:
    section = (
        (ROOT / "docs" / "testing.md")
        .read_text()
        .split("## Tools of the browser, and approvals\n")[1]
        .split("\n## ")[0]
    )
    assert re.findall(r"```js\n(.*?)```", section, re.DOTALL) == [(HERE / "tools" / "waiting.spec.mjs").read_text()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The reader's folder, with a free port for the mock and for the site."""
    ports = {"8010": str(free_port()), "3000": str(free_port())}
    for path in (*(HERE / name for name in FILES), ROOT / "tests" / "clients" / "readme" / "route.js"):
        text = re.sub("8010|3000", lambda found: ports[found[0]], path.read_text())
        (tmp_path / path.name).write_text(text.replace("mockbackend mock", f"{sys.executable} -m mockbackend mock"))
    shutil.copy(ROOT / "clients" / "js" / "mock.mjs", tmp_path)
    shutil.copy(HERE / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(installed(HERE) / "node_modules")
    (tmp_path / "browser.config.mjs").write_text(LAUNCHED)
    return tmp_path


@pytest.mark.slow
def test_the_test_catches_a_double_send_and_passes_without_it(folder: Path) -> None:
    found = played(folder, status=1)
    assert "double_send" in found, found
    page = folder / "page.html"
    assert BUG in page.read_text()
    page.write_text(page.read_text().replace(BUG, ""))
    assert "1 passed" in played(folder, status=0)


@pytest.mark.slow
def test_a_react_page_with_use_chat_says_what_is_wrong_under_ten_faults(folder: Path) -> None:
    for name in REACT:
        shutil.copy(HERE / "react" / name, folder)
    (folder / "chat.spec.mjs").unlink()
    bundled(folder)
    assert "10 passed" in played(folder, status=0)


@pytest.mark.slow
def test_a_script_plays_the_tools_that_a_page_waits_for(folder: Path) -> None:
    for name in ("tools/chat.jsx", "tools/waiting.spec.mjs", "react/page.html"):
        shutil.copy(HERE / name, folder)
    (folder / "chat.spec.mjs").unlink()
    bundled(folder)
    assert "2 passed" in played(folder, status=0)


def bundled(folder: Path) -> None:
    """Make chat.js of chat.jsx, as the command of docs/testing.md does, with the newest AI SDK."""
    packages = installed()
    esbuild = packages / "node_modules" / "esbuild" / "bin" / "esbuild"
    arguments = ["chat.jsx", "--bundle", "--format=esm", "--jsx=automatic", "--outfile=chat.js"]
    env = environment({}) | {"NODE_PATH": f"{packages / 'ai-sdk-7' / 'node_modules'}:{packages / 'node_modules'}"}
    subprocess.run([str(NODE), str(esbuild), *arguments], cwd=folder, env=env, capture_output=True, check=True)


def played(folder: Path, status: int) -> str:
    """What Playwright prints."""
    program = folder / "node_modules" / "@playwright" / "test" / "cli.js"
    command = [str(NODE), str(program), "test", "--config", "browser.config.mjs"]
    env = environment({})
    env["PATH"] = f"{NODE.parent}:{env['PATH']}"
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout
