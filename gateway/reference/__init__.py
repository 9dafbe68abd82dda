"""Pages, types and documents made from the tables of the code."""
