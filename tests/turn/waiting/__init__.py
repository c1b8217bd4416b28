"""Turns that wait for their client: its own tools, and its user's yes or no."""
