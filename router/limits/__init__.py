"""How many requests and tokens, by whom, in what time."""
