"""Billing systems that behave as their vendors document: real HTTP servers on loopback."""
