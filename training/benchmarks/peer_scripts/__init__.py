"""Scripts that run in the peers' own environments: JSON lines in on standard input, one JSON value a line out.

Nothing here is imported by us. Each file is run by the interpreter of one peer, needs that peer and the standard
library alone, and sends whatever the peer prints to standard error.
"""
