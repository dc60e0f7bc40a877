"""A/B tests of two policies: who is in which arm, how many requests it takes, and what may be said at any time."""
