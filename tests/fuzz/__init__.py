"""Hostile bytes, seeded: `python -m tests.fuzz`. Every surface that a stranger can write to is one target."""
