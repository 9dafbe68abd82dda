"""Mutes, bans and kicks."""
