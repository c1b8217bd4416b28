"""deploy/compose.yaml: whatever it names exists, and fits what it stands beside. There need be no Docker for that."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import yaml

from mockbackend.settings import Settings
from tests.harness.processes import ROOT

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
NGINX = (DEPLOY / "nginx-two-hosts.conf").read_text()
# The keys of the Compose specification that are used here.
KEYS = {"build", "image", "command", "depends_on", "env_file", "environment", "healthcheck", "ports", "restart"}
KEYS |= {"networks", "stop_grace_period", "volumes"}
SETTINGS = {field.name.upper(): field for field in dataclasses.fields(Settings)}


def test_it_has_what_the_specification_knows() -> None:
    assert set(COMPOSE) <= {"name", "services", "networks", "volumes", "x-service"}
    for service in SERVICES.values():
        assert set(service) <= KEYS
        assert ("build" in service) != ("image" in service)
    assert [name for name in SERVICES if name not in OURS] == ["database", "nginx"]
    assert len(OURS) == 2


def test_every_file_that_it_names_exists() -> None:
    for service in OURS.values():
        context = DEPLOY / service["build"]["context"]
        assert context.resolve() == ROOT
        assert (context / service["build"]["dockerfile"]).is_file()
        # It is made of env.sample, as the file's head says.
        assert (DEPLOY / service["env_file"]).resolve() == ROOT / ".env"
    assert "cp env.sample .env" in TEXT
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


def test_every_setting_that_it_names_exists_and_can_be_read() -> None:
    for service in OURS.values():
        assert set(service["environment"]) <= set(SETTINGS)
        assert int(service["environment"]["PORT"]) == 8000
        assert service["environment"]["LOG_FORMAT"] in ("text", "json")
        seconds = int(service["stop_grace_period"].removesuffix("s"))
        assert seconds > Settings().drain_seconds + 10


def test_each_waits_for_what_it_needs() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[needed] or (needed in OURS and "HEALTHCHECK" in dockerfile)
    assert set(SERVICES["nginx"]["depends_on"]) == set(OURS)


def test_the_services_use_the_database_that_is_made() -> None:
    made = SERVICES["database"]["environment"]
    for service in OURS.values():
        url = service["environment"]["DATABASE_URL"].replace(made["POSTGRES_PASSWORD"], "secret")
        parts = urlsplit(url)
        assert (parts.scheme, parts.hostname, parts.path) == ("postgresql", "database", f"/{made['POSTGRES_DB']}")
        assert (parts.username, parts.password) == (made["POSTGRES_USER"], "secret")
    check = SERVICES["database"]["healthcheck"]["test"]
    assert (made["POSTGRES_USER"], made["POSTGRES_DB"]) == (check[-3], check[-1])


def test_nginx_asks_both_services_and_they_trust_it() -> None:
    asked = re.findall(r"^ +server (\w+):(\d+) max_fails=0;$", NGINX, re.MULTILINE)
    assert asked == [(name, "8000") for name in OURS]
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert {service["environment"]["TRUSTED_PROXIES"] for service in OURS.values()} == {network["subnet"]}
    addresses = [ip_address(service["networks"]["default"]["ipv4_address"]) for service in OURS.values()]
    assert len(set(addresses)) == 2
    for address in addresses:
        assert address in ip_network(network["subnet"])
        assert address not in ip_network(network["ip_range"])


def test_nginx_logs_where_docker_looks() -> None:
    shell, option, commands = SERVICES["nginx"]["command"]
    assert (shell, option) == ("sh", "-c")
    sed, _, _ = commands.partition(" >")
    program, script, _ = shlex.split(sed)
    changed = subprocess.run([program, script], input=NGINX, capture_output=True, text=True, check=True).stdout
    assert "access_log /dev/stdout refused if=$is_logged;" in changed
    assert [one for one, other in zip(NGINX.splitlines(), changed.splitlines(), strict=True) if one != other] == [
        line for line in NGINX.splitlines() if line.strip().startswith("access_log syslog:")
    ]


def test_what_has_to_be_set_is_said() -> None:
    assert set(re.findall(r"\$\{(\w+)", TEXT)) == {"POSTGRES_PASSWORD"}
    assert set(re.findall(r"\$\{\w+(:\?|\})", TEXT)) == {":?"}


def test_docker_is_sent_what_the_image_is_made_of_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert lines[1] == "*"
    assert [line.removeprefix("!") for line in lines if line.startswith("!")] == copied
