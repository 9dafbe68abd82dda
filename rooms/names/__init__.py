"""Decides under which name somebody is shown in a room."""
