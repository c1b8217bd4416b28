"""Contexts for TLS that read the system's certificates when they are first used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mockbackend.server.late_certificates import late_certificates
from tests.harness.processes import run


def unchecked() -> ssl.SSLContext:
    """As aiohttp makes one for whoever does not check certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    return context


def connect(context: ssl.SSLContext) -> ssl.SSLObject:
    return context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the system's certificates will be; there are none yet."""
    file = tmp_path / "known.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return file


@pytest.mark.parametrize("make", [ssl.create_default_context, unchecked])
@pytest.mark.parametrize("use", [connect, lambda one: one.cert_store_stats(), lambda one: one.get_ca_certs()])
def test_certificates_are_read_at_the_first_use(
    make: Callable[[], ssl.SSLContext], use: Callable[[ssl.SSLContext], object], known: Path
) -> None:
    with late_certificates():
        context = make()
    trustme.CA().cert_pem.write_to_path(str(known))
    use(context)
    assert type(context) is ssl.SSLContext
    assert context.cert_store_stats()["x509_ca"] == 1


def test_other_contexts_read_them_at_once(known: Path) -> None:
    with late_certificates():
        pass
    context = ssl.create_default_context()
    trustme.CA().cert_pem.write_to_path(str(known))
    assert context.cert_store_stats()["x509_ca"] == 0


def test_aiohttp_reads_none_as_it_is_imported(tmp_path: Path) -> None:
    program = """
import ssl
from mockbackend.server.late_certificates import late_certificates
with late_certificates():
    from aiohttp import connector
made = (connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED)
print(*(type(one) is ssl.SSLContext for one in made))
"""
    ran = run(["aiohttp", program], tmp_path, {}, module="tests.harness.unimported")
    assert ran.stdout.split() == ["False", "False"], ran.stderr
