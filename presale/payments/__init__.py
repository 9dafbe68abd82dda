"""Money that comes in: the port to providers, their adapters, and receipts."""
