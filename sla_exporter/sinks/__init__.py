"""Sinks: where deliveries go, one small module for each."""
