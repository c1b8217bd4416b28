"""The page's files: what they are sent with, and that nothing else can be had."""

from __future__ import annotations

import hashlib
import re

import httpx2
import pytest

from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT
from tests.harness.service import Server

PAGE = ROOT / "mockbackend" / "page"
INDEX = (PAGE / "index.html").read_text()
OWN = sorted(path for path in PAGE.iterdir() if path.suffix in (".js", ".css", ".html"))
# Loaded when the first formula or the first code is seen.
LATER = {
    "/page/highlight-worker.js",
    "/page/vendor/temml.min.js",
    *(f"/page/vendor/{path.name}" for path in (PAGE / "vendor").glob("highlight.*js")),
}
ADDRESSES = ["/", "/page/main.js", "/page/base.css", "/page/icon.svg", "/page/vendor/marked.esm.js"]


def get(server: Server, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{server.url}{path}", headers=headers, follow_redirects=True, **PLAIN)


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_file_is_sent_to_anybody_under_a_strict_policy(server: Server, path: str) -> None:
    response = get(server, path)
    assert response.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_file_that_the_browser_holds_is_not_sent_again(server: Server, path: str) -> None:
    etag = get(server, path).headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = get(server, path, **{"if-none-match": sent})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert get(server, path, **{"if-none-match": '"other"'}).status_code == 200


def test_the_head_of_the_page_can_be_asked_for(server: Server) -> None:
    response = httpx2.head(f"{server.url}/", **PLAIN)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/page/none.js",
        "/page/",
        "/page/vendor/",
        "/page/vendor/README.md",
        "/page/vendor/marked.LICENSE",
        "/page/..%2fapp.py",
        "/page/%2e%2e/app.py",
        "/page/vendor/..%2f..%2fapp.py",
        "/page/vendor%2fmarked.esm.js%00",
        "/page//etc/passwd",
    ],
)
def test_nothing_else_of_the_disk_can_be_had(server: Server, path: str) -> None:
    assert get(server, path).status_code == 404


def test_the_page_has_no_inline_script_or_style() -> None:
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", INDEX)


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.name))
def test_a_file_of_ours_names_no_address_outside_the_server(path: object) -> None:
    text = (PAGE / str(path)).read_text()
    assert [found for found in re.findall(r"https?://[^\"'\s)]+", text) if "www.w3.org" not in found] == []


def test_every_module_is_fetched_at_once_but_what_is_loaded_when_needed() -> None:
    scripts = {f"/page/{path.relative_to(PAGE).as_posix()}" for path in PAGE.rglob("*.js")} - LATER
    assert set(re.findall(r'(?:src|href)="(/page/[^"]+\.js)"', INDEX)) == scripts


@pytest.mark.parametrize("path", [path for path in OWN if path.suffix == ".js"], ids=lambda path: str(path.name))
def test_a_module_has_one_idea_and_says_it_first(path: object) -> None:
    lines = (PAGE / str(path)).read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= 220


def test_the_libraries_are_as_their_packages_have_them_and_bring_their_licences() -> None:
    vendor = PAGE / "vendor"
    rows = re.findall(
        r"^\| (\S+) \| \S+ \| ([\d.]+) \|.*\| ([0-9a-f]{64}) \|$", (vendor / "README.md").read_text(), re.M
    )
    assert {name for name, _, _ in rows} == {path.name for path in vendor.glob("*.js")}
    for name, version, digest in rows:
        content = (vendor / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert version in content.decode()
        assert (vendor / f"{name.partition('.')[0]}.LICENSE").is_file()
