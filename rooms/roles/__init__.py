"""Decides who may do more than watch, who stands above whom, and which tokens are taken back."""
