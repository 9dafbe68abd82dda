"""What is sold: shows, products, and their seats."""
