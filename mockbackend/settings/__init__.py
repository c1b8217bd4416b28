"""Every setting, read once from the environment and `.env` into one frozen object."""

from .fields import EngineName, Settings
from .reading import SettingsError, load_settings

__all__ = ["EngineName", "Settings", "SettingsError", "load_settings"]
