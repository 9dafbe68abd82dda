"""Danmaku, blocked words and links, the budget of a room, pins."""
