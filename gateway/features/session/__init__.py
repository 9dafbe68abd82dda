"""Tokens that are taken back."""
