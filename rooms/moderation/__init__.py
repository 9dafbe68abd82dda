"""Mutes, bans, kicks and retractions."""
