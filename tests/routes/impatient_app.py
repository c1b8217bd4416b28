"""The service, with less patience for a body that falls silent than anybody would wait for in a test."""

from mockbackend.app import create_app
from mockbackend.routes import limited

limited.SILENCE_SECONDS = 0.5
app = create_app()
