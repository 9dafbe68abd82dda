"""What tickets are worth."""
