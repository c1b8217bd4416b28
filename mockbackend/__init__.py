"""Mock Backend: one POST /chat for chat front ends."""

__version__ = "0.1.0"
