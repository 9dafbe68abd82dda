"""Decides what may be said in a room, how much of it at once, and what stays on top."""
