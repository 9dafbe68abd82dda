"""Decides what of the staff's doings is written down, and tells consoles."""
