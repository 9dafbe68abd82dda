"""The ledger, and what is read from it: wallets and revenue."""
