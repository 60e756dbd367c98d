"""HTTP: webhooks in, metrics and pages out."""
