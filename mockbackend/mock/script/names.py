"""The names of scenarios."""

import re

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_@+:-][A-Za-z0-9._@+:-]{0,127}")
NAMES = "A name has 1 to 128 of the characters A-Z a-z 0-9 . _ @ + : -, and does not begin with a dot."
