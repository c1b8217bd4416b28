"""How many examples Hypothesis tries: as many as a test asks for, and a fifth of them in the quick run."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

ALL, FEW = 100, 20


def register_profiles() -> None:
    """The profiles `tests`, which is loaded, and `quick`, which `pytest --hypothesis-profile quick` loads instead."""
    # With both cores busy an example takes as long as it takes.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=ALL)
    settings.register_profile("quick", settings.get_profile("tests"), max_examples=FEW)
    settings.load_profile("tests")


def examples(wanted: int) -> int:
    """The number for `max_examples` of a test that wants other than a hundred."""
    return max(1, wanted * settings().max_examples // ALL)
