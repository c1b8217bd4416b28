"""The limits of a user's day, as they are set."""

from __future__ import annotations

from ..settings import Settings
from .spending import DayLimits, Prices

SETTINGS = (
    "max_turns_per_user_per_day",
    "max_tokens_per_user_per_day",
    "max_images_per_user_per_day",
    "max_cost_per_user_per_day",
)


def day_limits(settings: Settings) -> DayLimits:
    """The limits of these settings."""
    return DayLimits(
        settings.max_turns_per_user_per_day,
        settings.max_tokens_per_user_per_day,
        settings.max_images_per_user_per_day,
        settings.max_cost_per_user_per_day,
        prices(settings) or Prices(),
    )


def prices(settings: Settings) -> Prices | None:
    """The prices of these settings: what has none is free. None if none is set."""
    input_tokens = settings.price_per_million_input_tokens
    embedding_tokens = settings.price_per_million_embedding_tokens
    found = (input_tokens, settings.price_per_million_output_tokens, settings.price_per_image, embedding_tokens)
    if found == (None, None, None, None):
        return None
    # Dearer than they are, where nobody has said: the limit is a hard one.
    embeddings = input_tokens if embedding_tokens is None else embedding_tokens
    return Prices(*(price or 0.0 for price in (*found[:3], embeddings)))
