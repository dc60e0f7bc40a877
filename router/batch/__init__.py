"""Many requests that nobody waits for: through the providers' batch APIs, in rounds, with a journal."""
