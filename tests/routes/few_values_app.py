"""The service, for which a body is dense with a hundredth of the values, and has a hundredth of them at most."""

from mockbackend.app import create_app
from mockbackend.routes import dense_json

dense_json.MANY_VALUES //= 100
dense_json.MAX_VALUES //= 100
app = create_app()
