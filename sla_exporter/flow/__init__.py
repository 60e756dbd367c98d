"""The story, step by step: ingest, observe, reconcile, deliver."""
