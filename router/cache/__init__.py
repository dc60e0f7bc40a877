"""Which answers are kept, where, and for how long."""
