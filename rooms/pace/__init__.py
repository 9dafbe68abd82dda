"""Decides how often a person may do something over all their sockets, and how budgets fill up again."""
