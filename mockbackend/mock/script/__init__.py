"""Scripts: rules that say what the emulator answers, and how it fails."""

from .load import ScriptError, load_script
from .rules import Script

__all__ = ["Script", "ScriptError", "load_script"]
