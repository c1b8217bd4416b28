"""What pyproject.toml says about the project is true."""

from __future__ import annotations

import re
import tomllib

from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

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
    newer = re.findall(r"\bquick (3\.\d+)", (ROOT / ".ci" / "run").read_text())
    oldest = PROJECT["requires-python"].removeprefix(">=")
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert named == [oldest, *sorted(newer)]


def test_the_readme_of_the_package_has_no_link_that_leads_nowhere_on_a_package_index() -> None:
    text = ProjectMetadata(str(ROOT), PluginManager()).core.readme
    words = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"\]\((?!https?://)[^)]*\)", words) == []
    assert "`docs/testing.md` tests a chat front end" in words
    # What is code stands as it is, and no section is lost.
    readme = (ROOT / "README.md").read_text()
    for pattern in (r"^```.*?^```$", r"^#+ .*$"):
        flags = re.MULTILINE | (re.DOTALL if pattern.startswith("^`") else 0)
        assert re.findall(pattern, text, flags) == re.findall(pattern, readme, flags)
