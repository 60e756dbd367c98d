"""Another Prometheus, with 0/1 series of its own, such as ``probe_success``."""

SERIES = "probe_success"
LABEL = "customer"


def meaning(value: float) -> bool | None:
    """Read 1 up and 0 down; anything else, such as NaN, is neither."""
    return {0.0: False, 1.0: True}.get(value)
