"""Tests of the emulator alone: served by Hypercorn, asked by clients that nobody here wrote."""
