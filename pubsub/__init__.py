"""Moves opaque bytes in order, with history."""
