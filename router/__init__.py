"""tierwise: routes every LLM call to the cheapest model that will do."""
