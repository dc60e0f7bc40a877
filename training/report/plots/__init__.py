"""The plots, one a file; each makes a section from the evaluation, and says so where there is nothing to draw."""
