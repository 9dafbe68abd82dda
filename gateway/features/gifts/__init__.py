"""Gifts and likes."""
