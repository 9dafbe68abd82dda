"""Shows and products as anybody sees them, and as their staff changes them."""
