"""Everything that the box office claims, counted again."""
