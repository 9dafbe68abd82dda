"""The kinds of jobs about orders, and when they run."""

EXPIRE_JOB = "order.expire"
QUERY_JOB = "order.query"
END_JOB = "order.end"
"""All three carry the order id as payload. The last closes an unpaid order that must not be paid any more."""
END_ALL_JOB = "order.end_all"
"""Carries the id of a show that sells no more: an `END_JOB` follows for each of its unpaid orders."""
CLOSE_PAYMENT_JOB = "payment.close"
"""Carries the id of an attempt to pay that a later one has replaced."""
SILENT_MS = 300_000
"""An order that nobody has reported anything about for this long is asked for."""
LAST_QUERY_MS = 600_000
"""A closed order is asked for once more after this long: its callback may have been lost."""
