"""The UI message stream of AI SDK 5 to 7, and stored messages as its front ends take them."""
