"""Who comes in: admission, the queue, devices of a ticket, what somebody holds and what they missed."""
