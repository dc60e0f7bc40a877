"""Finding the answer to a question that asks the same in other words, with a bound on how often it does not."""
