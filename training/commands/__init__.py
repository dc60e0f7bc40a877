"""The verbs of ``tierwise train``, each thin over the library."""
