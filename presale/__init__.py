"""The box office."""
