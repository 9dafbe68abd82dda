"""Who you are and what your ticket is worth."""
