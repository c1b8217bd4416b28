"""The ASGI application: `hypercorn app:app`."""

from mockbackend.server.unused import fast_imports

with fast_imports():
    from mockbackend.app import create_app

app = create_app()
