"""The kinds of jobs about refunds."""

SUBMIT_JOB = "refund.submit"
QUERY_JOB = "refund.query"
SUBMIT_DOUBLED_JOB = "refund.submit_doubled"
QUERY_DOUBLED_JOB = "refund.query_doubled"
"""All carry the refund id as payload. Money of a second attempt has kinds of its own: code from before it was returned
would return the order's instead."""
