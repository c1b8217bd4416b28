"""A turn: one user message and all that answers it, from its claim to the stored answer."""
