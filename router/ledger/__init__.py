"""The ledger of decisions and of their labels. Importing it loads no database library; opening one does."""

from router.ledger.codec import Entry
from router.ledger.keep import Keep, KeepRule, Kept
from router.ledger.label import Label
from router.ledger.ledger import Ledger

__all__ = ["Entry", "Keep", "KeepRule", "Kept", "Label", "Ledger"]
