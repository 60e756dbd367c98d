"""What can be measured: one module per kind of SLI, and the registry of them in ``kinds``."""
