"""The layers of the package: an import goes down, never up, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.running import ROOT

PACKAGE = "mockbackend"
# Modules and folders of the package, from the top. One imports only from rows below its own.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("serve",),
    ("workers", "app", "check"),
    ("descriptors", "plain"),
    ("routes",),
    ("service",),
    ("turn",),
    ("agent",),
    ("pictures", "documents"),
    ("upstream", "storage", "protocol", "login", "embedded"),
    ("answering",),
    ("messages", "passages"),
    ("events",),
    ("settings", "errors", "log", "threads", "emulator", "connection", "deferred"),
)
# Further rules: what each may import of the package at all.
ONLY = {
    "emulator": set[str](),
    "protocol": {"events", "messages"},
    "storage": {"events", "messages", "passages"},
    "events": set[str](),
    "settings": set[str](),
    "errors": set[str](),
}
# What is imported by these alone.
IMPORTED_BY = {
    "emulator": {"cli", "embedded"},
    "embedded": {"app", "check"},
    "app": {"serve"},
    "connection": {"serve"},
    "deferred": {"serve"},
    "service": {"app", "routes"},
}
# Foreign packages, and where alone they may be imported.
FOREIGN = {
    "openai": {"upstream"},
    "langgraph": {"agent", "storage"},
    "langchain_core": {"agent", "storage"},
    "langsmith": {"agent"},
    "starlette": {"serve", "app", "routes", "emulator"},
    "sqlite3": {"storage"},
    "aiosqlite": {"storage"},
    "aiohttp": {"pictures", "upstream"},
    "hypercorn": {"serve", "embedded", "connection"},
    "environs": {"settings"},
    "yaml": {"emulator"},
    "python_multipart": {"routes"},
    "PIL": {"emulator"},
    "pypdfium2": {"documents"},
    "docx": {"documents"},
    "pptx": {"documents"},
    "python_calamine": {"documents"},
    "selectolax": {"documents"},
    "azure": {"documents"},
}


@dataclass(frozen=True)
class Import:
    """Module `source` imports `target`, both as dotted names."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} imports {self.target}"


def files() -> Iterator[tuple[str, Path]]:
    """Every module of the package by its dotted name."""
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def modules() -> frozenset[str]:
    return frozenset(name for name, _ in files())


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module, those inside functions too."""
    found: list[Import] = []
    for name, path in files():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found += [Import(name, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *([base] if base else [])])
                for alias in node.names:
                    whole = f"{base}.{alias.name}"
                    found.append(Import(name, whole if whole in modules() else base))
    return tuple(found)


def part(module: str) -> str:
    """The module or folder directly under the package."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def ours() -> list[Import]:
    """Imports of one part of the package by another."""
    return [
        one
        for one in imports()
        if one.target.split(".")[0] == PACKAGE and part(one.source) != part(one.target) and one.target != PACKAGE
    ]


def test_every_part_has_its_layer() -> None:
    assert {part(module) for module in modules()} - {"__init__"} == {name for row in LAYERS for name in row}


def test_no_import_points_up() -> None:
    rank = {name: number for number, row in enumerate(LAYERS) for name in row}
    assert [str(one) for one in ours() if rank[part(one.target)] <= rank[part(one.source)]] == []


@pytest.mark.parametrize("name", ONLY)
def test_this_part_imports_nothing_else_of_ours(name: str) -> None:
    assert [str(one) for one in ours() if part(one.source) == name and part(one.target) not in ONLY[name]] == []


@pytest.mark.parametrize("name", IMPORTED_BY)
def test_this_part_is_imported_by_these_alone(name: str) -> None:
    assert [str(one) for one in ours() if part(one.target) == name and part(one.source) not in IMPORTED_BY[name]] == []


@pytest.mark.parametrize("package", FOREIGN)
def test_this_package_is_imported_here_alone(package: str) -> None:
    users = {one for one in imports() if one.target.split(".")[0] == package}
    assert users, f"nothing imports {package}"
    assert [str(one) for one in users if part(one.source) not in FOREIGN[package]] == []


def test_no_imports_go_in_a_circle() -> None:
    needs: dict[str, set[str]] = {name: set() for name in modules()}
    for one in imports():
        if one.target in needs and one.target != one.source:
            needs[one.source].add(one.target)
    # A package's own file is run before its modules; only what it imports by name counts as a need.
    while free := {name for name, targets in needs.items() if not targets}:
        needs = {name: targets - free for name, targets in needs.items() if name not in free}
    assert sorted(needs) == []


def test_the_environment_is_read_by_the_settings_alone() -> None:
    readers = [
        f"{name}:{node.lineno}"
        for name, path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv")
    ]
    assert [reader for reader in readers if not reader.startswith(f"{PACKAGE}.settings:")] == []


def test_nothing_of_the_package_imports_the_tests() -> None:
    assert [str(one) for one in imports() if one.target.split(".")[0] in ("tests", "bench")] == []
