"""Whether a stream grant is good, for media servers."""
