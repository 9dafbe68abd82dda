"""What only demo and test mode have."""
