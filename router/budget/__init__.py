"""How much may be spent, by whom, in what time."""
