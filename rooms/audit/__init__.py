"""What the staff did."""
