"""Orders, refunds and what fans are told about their money."""
