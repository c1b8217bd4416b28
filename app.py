"""The ASGI application: `hypercorn app:app`."""

from mockbackend.app import create_app

app = create_app()
