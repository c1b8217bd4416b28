"""Scripts: rules that say what the emulator answers, and how it fails."""

from .document import TooLarge
from .folder import load_folder, load_scenarios
from .load import (
    InvalidScript,
    ScriptError,
    load_document,
    load_script,
    read_rules,
    read_script,
    to_rule,
    to_script,
)
from .rules import Script

__all__ = [
    "InvalidScript",
    "Script",
    "ScriptError",
    "TooLarge",
    "load_document",
    "load_folder",
    "load_scenarios",
    "load_script",
    "read_rules",
    "read_script",
    "to_rule",
    "to_script",
]
