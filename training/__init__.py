"""Offline training: from logged quality labels to a policy bundle."""
