"""Danmaku, what of them is taken back, and pins."""
