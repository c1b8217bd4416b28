"""Image generation, and the URLs that show images."""
