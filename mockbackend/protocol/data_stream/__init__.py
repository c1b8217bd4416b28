"""The AI SDK 4 data stream, and stored messages as its front ends take them."""
