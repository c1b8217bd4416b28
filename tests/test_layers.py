"""The layers of the package: an import goes down, never up, and never in a circle."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.harness.processes import ROOT

PACKAGE = "mockbackend"
# From the top: a module imports only from rows below its own. A name stands for a module or a whole folder, and the
# longest one counts: "server" is everything in that folder that has no row of its own.
LAYERS = (
    ("__main__",),
    ("server",),
    ("app",),
    (
        *("server.allocator", "server.announcement", "server.file_limits", "server.hypercorn_drain"),
        *("server.hypercorn_log", "server.upstream"),
    ),
    ("routes",),
    ("turn",),
    ("agent",),
    ("images", "documents"),
    ("upstream",),
    ("turn.budget",),
    ("turn.answer",),
    ("turn.stopping",),
    ("storage", "protocol"),
    ("server.hypercorn_patches", "server.sign_in_link"),
    ("server.http1", "server.idle_timer"),
    ("estimates",),
    ("messages",),
    ("events",),
    ("emulator",),
    ("mock",),
    ("mock.store",),
    ("mock.script",),
    ("mock.drawn",),
    ("settings", "data_parts", "errors", "log", "metrics", "tracing", "concurrency"),
)
# Further rules, where a folder's name always stands for all of it: what each may import of the package at all.
ONLY = {
    "emulator": {"data_parts", "mock.drawn", "mock.played_calls", "mock.script", "mock.store"},
    "mock": {"concurrency.liveness", "data_parts", "errors", "settings"},
    "mock.script": {"data_parts", "mock.drawn"},
    "mock.store": {"concurrency.liveness", "mock.drawn", "mock.script"},
    "protocol": {"events", "messages"},
    "upstream": {
        "data_parts",
        "events",
        "messages",
        "settings",
        "errors",
        "storage",
        "metrics",
        "mock.context",
        "mock.drawn",
        "mock.played_calls",
        "mock.recording",
        "tracing",
        "log",
    },
    "storage": {
        "concurrency.liveness",
        "estimates",
        "events",
        "messages",
        "mock.drawn",
        "settings",
        "metrics",
        "tracing",
    },
    # A process of its own: it loads little, and what it loads sees no settings.
    "documents.extractor": {"documents.errors", "documents.formats", "documents.graphemes", "documents.wide_text"},
    "concurrency": set[str](),
    "events": set[str](),
    "settings": set[str](),
    "errors": set[str](),
    "metrics": set[str](),
    "tracing": set[str](),
}
# What is imported by these alone.
IMPORTED_BY = {
    "emulator": {"server.emulator_alone", "server.serve", "server.upstream"},
    "app": {"server.serve"},
    "server.command": {"server.mock"},
    "server.hypercorn_patches": {"server.hypercorn_server", "app", "routes.stream", "routes.front_call"},
    "server.late_certificates": {"server.unused"},
    "server.lazy_imports": {"server.serve", "server.unused"},
    "server.unused": {"server.serve"},
    "storage.embedded": {"storage"},
    "storage.postgres": {"storage"},
}
# Foreign packages, and where alone they may be imported.
FOREIGN = {
    "openai": {"upstream"},
    "langgraph": {"agent", "storage.embedded"},
    "langchain_core": {"agent", "storage.embedded"},
    "langsmith": {"agent"},
    "starlette": {"server", "app", "routes", "emulator"},
    "sqlite3": {"mock.store", "storage.embedded"},
    "aiosqlite": {"storage.embedded"},
    "psycopg": {"storage.postgres"},
    "opentelemetry": {"tracing"},
    "psycopg_pool": {"storage.postgres"},
    "aiohttp": {"images", "upstream"},
    "hypercorn": {"server", "emulator.embedded"},
    "environs": {"settings"},
    "pytest": {"mock.pytest_plugin"},
    "yaml": {"mock"},
    "msgspec": {"emulator", "mock", "storage"},
    "multipart": {"emulator", "routes"},
    "PIL": {"emulator"},
    "pypdfium2": {"documents"},
    "lxml": {"documents"},
    "python_calamine": {"documents"},
    "selectolax": {"documents"},
    "azure": {"documents", "upstream"},
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


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement within it, those inside functions too."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for part in getattr(node, field, ()):
            yield part
            yield from statements(part)


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module, those inside functions too."""
    return imports_within()


def imports_within(*folders: str) -> tuple[Import, ...]:
    """The imports of the modules in these folders; of every module, where none are named."""
    # To look for garbage among so many nodes would take longer than to make them.
    gc.disable()
    try:
        return tuple(
            one for name, path in files() if not folders or inside(name, *folders) for one in imports_of(name, path)
        )
    finally:
        gc.enable()


def imports_of(name: str, path: Path) -> Iterator[Import]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield Import(name, whole if whole in modules() else base)


def inside(module: str, *names: str) -> bool:
    """Whether the module is one of these, or in one of these folders."""
    return any(f"{module}.".startswith(f"{PACKAGE}.{name}.") for name in names)


@cache
def layer(module: str) -> str:
    """The name that the module has among the layers, or none."""
    return max((name for row in LAYERS for name in row if inside(module, name)), key=len, default="")


@cache
def ours() -> tuple[Import, ...]:
    """Imports of one module of the package by another."""
    named = modules() - {PACKAGE}
    return tuple(one for one in imports() if one.source in named and one.target in named)


def test_every_module_has_its_layer() -> None:
    assert [module for module in modules() if not layer(module)] == [PACKAGE]
    assert {layer(module) for module in modules()} - {""} == {name for row in LAYERS for name in row}


def test_no_import_points_up() -> None:
    row_of = {name: number for number, row in enumerate(LAYERS) for name in row}
    between = [(one, layer(one.source), layer(one.target)) for one in ours()]
    up = [str(one) for one, source, target in between if source != target and row_of[target] <= row_of[source]]
    assert up == []


@pytest.mark.parametrize("name", ONLY)
def test_this_part_imports_nothing_else_of_ours(name: str) -> None:
    others = [one for one in ours() if inside(one.source, name) and not inside(one.target, name, *ONLY[name])]
    assert [str(one) for one in others] == []


@pytest.mark.parametrize("name", IMPORTED_BY)
def test_this_part_is_imported_by_these_alone(name: str) -> None:
    others = [one for one in ours() if inside(one.target, name) and not inside(one.source, name, *IMPORTED_BY[name])]
    assert [str(one) for one in others] == []


@pytest.mark.parametrize("package", FOREIGN)
def test_this_package_is_imported_here_alone(package: str) -> None:
    users = {one for one in imports() if one.target.split(".")[0] == package}
    assert users, f"nothing imports {package}"
    assert [str(one) for one in users if not inside(one.source, *FOREIGN[package])] == []


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
    names = ("environ", "environb", "getenv", "putenv")
    readers = [
        name
        for name, path in files()
        if name != "mockbackend.settings.reading" and any(word in path.read_text() for word in names)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]
    # What runs beside the mock has the environment of the mock.
    assert readers == ["mockbackend.server.command"], "environs reads it, and FOREIGN says where"


def test_nothing_of_the_package_imports_the_tests() -> None:
    assert [str(one) for one in imports() if one.target.split(".")[0] in ("tests", "bench")] == []


def test_no_module_is_longer_than_one_idea() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in files()}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_the_top_of_the_package_stays_small() -> None:
    assert len([path for path in (ROOT / PACKAGE).iterdir() if path.is_file()]) <= 10
