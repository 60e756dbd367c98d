"""Policies: what a contract's text promises, and one module for each family of credit formulas."""
