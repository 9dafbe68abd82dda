"""The names that viewers of a show may not take."""
