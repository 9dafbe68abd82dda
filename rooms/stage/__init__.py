"""Who asked to come on stage, who was invited, who is on it."""
