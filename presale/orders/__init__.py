"""An order and its way from the cart to its end."""
