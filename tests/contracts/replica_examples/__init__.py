"""One module per feature: what each of its commands does, and what else changes its state, by an example."""
