"""How a request wants its tokens chosen: numbers, each refused beyond its bounds."""

from collections.abc import Mapping

from ..gateway import errors

BOUNDS = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}


def check_sampling(body: Mapping[str, object]) -> None:
    """AzureError 400 for a number that no model takes."""
    for param, (least, most) in BOUNDS.items():
        value = body.get(param)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise errors.wrong_type(param, "a decimal")
        if not least <= value <= most:
            side, bound, code = (
                ("below minimum", f">= {least}", "decimal_below_min_value")
                if value < least
                else ("above maximum", f"<= {most}", "decimal_above_max_value")
            )
            message = f"Invalid '{param}': decimal {side} value. Expected a value {bound}, but got {value} instead."
            raise errors.invalid_request(message, param, code)
