"""How the evening goes on, and what ends with it."""
