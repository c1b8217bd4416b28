"""The service, which gives up a body after two seconds of silence, or half a second of less than 1,000 bytes."""

from mockbackend.app import create_app
from mockbackend.routes import body

body.SILENCE_SECONDS = 2.0
body.MEASURED_SECONDS = 0.5
body.LEAST_BYTES = 1000
app = create_app()
