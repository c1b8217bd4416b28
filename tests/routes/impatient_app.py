"""The service, which gives up a silent body after half a second."""

from mockbackend.app import create_app
from mockbackend.routes import body

body.SILENCE_SECONDS = 0.5
app = create_app()
