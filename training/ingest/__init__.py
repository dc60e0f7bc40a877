"""Ingest: from a ledger or somebody's log to checked records."""

from training.ingest.ingesting import Ingested, ingest
from training.ingest.mapping import Mapped, load_mapping
from training.ingest.options import Options
from training.ingest.rejects import Reject
from training.ingest.summary import Summary

__all__ = ["Ingested", "Mapped", "Options", "Reject", "Summary", "ingest", "load_mapping"]
