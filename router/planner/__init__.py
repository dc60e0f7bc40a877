"""Decisions about money, reckoned from the ledger: machines of one's own, fine-tuning, return, and which lever next."""
