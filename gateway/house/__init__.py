"""The composition root: makes everything in order, serves it, and ends it."""
