"""Recording: the calls of the model that the service makes, as scripts that a person can read and edit."""

from .opening import open_recorder
from .recorder import Recorder
from .tap import Tap

__all__ = ["Recorder", "Tap", "open_recorder"]
