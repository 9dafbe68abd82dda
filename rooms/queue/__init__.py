"""Decides who waits at the door, and in which order they go in."""
