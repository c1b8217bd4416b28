"""Recording, and the replay of what was recorded."""
