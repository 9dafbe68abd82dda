"""The contract with clients as one typed registry."""
