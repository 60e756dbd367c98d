"""Uptime Kuma through Prometheus: ``monitor_status``."""

SERIES = "monitor_status"
LABEL = "monitor_name"


def meaning(value: float) -> bool | None:
    """Read 1 up, 0 down; 2 is pending and 3 maintenance, which are neither."""
    return {0.0: False, 1.0: True}.get(value)
