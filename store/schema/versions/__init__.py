"""One revision per file, in the order of their numbers."""
