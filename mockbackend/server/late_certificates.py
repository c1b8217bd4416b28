"""Certificates that are read when a TLS connection is first made, where a library reads them as it is imported."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _LateContext(ssl.SSLContext):
    """A context that has yet to read the system's certificates."""

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        _read(self)
        return self.wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        _read(self)
        return self.wrap_socket(*arguments, **options)

    def get_ca_certs(self, *arguments: Any, **options: Any) -> Any:
        _read(self)
        return self.get_ca_certs(*arguments, **options)

    def cert_store_stats(self) -> dict[str, int]:
        _read(self)
        return self.cert_store_stats()


@contextmanager
def late_certificates() -> Iterator[None]:
    """Let contexts that are made meanwhile read the system's certificates only when they are used."""
    ssl.SSLContext.set_default_verify_paths = _read_late  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


def _read_late(context: ssl.SSLContext) -> None:
    if type(context) is ssl.SSLContext:
        context.__class__ = _LateContext
    else:
        super(ssl.SSLContext, context).set_default_verify_paths()


def _read(context: ssl.SSLContext) -> None:
    # Before the class changes: another thread takes a context of the usual class for one that is read.
    super(ssl.SSLContext, context).set_default_verify_paths()
    context.__class__ = ssl.SSLContext
