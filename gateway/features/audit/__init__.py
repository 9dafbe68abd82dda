"""What the books, the rooms and the staff did: held against each other, and listed."""
