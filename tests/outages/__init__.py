"""What fans meet when Redis is out, when a thousand tickets go back, and when the box office is flooded."""
