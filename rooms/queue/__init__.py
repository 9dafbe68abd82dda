"""Who waits at the door, and in which order."""
