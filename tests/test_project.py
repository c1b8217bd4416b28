"""What pyproject.toml says about the project is true."""

from __future__ import annotations

import re
import tomllib

from mockbackend import __version__
from tests.harness.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_changelog_has_the_version() -> None:
    assert "version" in PROJECT["dynamic"]
    releases = re.findall(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == __version__


def test_the_package_is_typed() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "mockbackend" / "py.typed").is_file()


def test_the_named_pythons_are_those_that_ci_runs() -> None:
    newer = " ".join(re.findall(r"^for version in (.+);", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    oldest = PROJECT["requires-python"].removeprefix(">=")
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert named == [oldest, *sorted(newer.split())]
