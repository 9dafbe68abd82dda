"""Money on its way back, and what fans are told about it."""
