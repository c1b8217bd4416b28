"""Image generation, and the URLs that show what was drawn."""
