"""requirements.txt, from which the Procfile and the Dockerfile install, beside pyproject.toml."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness.processes import ROOT

TEXT = (ROOT / "requirements.txt").read_text()


def pinned() -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", TEXT, re.M)}


def test_it_satisfies_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # A PaaS gives DATABASE_URL or an identity, and installs nothing but this file.
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["postgres"], *extras["entra"]]
    for requirement in map(Requirement, needed):
        version = pinned().get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is missing: run the command at the head of requirements.txt"
        assert requirement.specifier.contains(version), f"{requirement} is not met by {version}"


def test_every_line_has_a_hash_and_nothing_names_a_place() -> None:
    wanted = re.findall(r"^[\w.-]+==.*$", TEXT, re.M)
    assert wanted
    assert all(line.endswith("\\") for line in wanted), "a requirement without a hash"
    assert not re.search(r"://|index-url|find-links|(^|\s)/\w", TEXT)
