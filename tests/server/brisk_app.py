"""The service, which waits a second for clients that read nothing."""

from mockbackend.app import create_app
from mockbackend.routes import unread
from mockbackend.server import hypercorn_patches

hypercorn_patches.SEND_SECONDS = 1.0
unread.REST_SECONDS = 1.0
app = create_app()
