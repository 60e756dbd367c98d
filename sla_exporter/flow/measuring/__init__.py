"""How each kind of SLI is measured: one module per kind, and their registry in ``kinds``."""
