"""The live room as pure decisions, and their SQL."""
