"""Benchmarks: every figure is a ratio measured within one run, so it means the same on any machine.

``make bench`` runs them, prints a table and writes ``build/bench.json``.
"""
