"""Mock Backend: one POST /chat for chat front ends."""
