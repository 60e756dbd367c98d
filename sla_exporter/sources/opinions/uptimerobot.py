"""UptimeRobot through one of its exporters: ``uptimerobot_status``."""

SERIES = "uptimerobot_status"
LABEL = "monitor_name"


def meaning(value: float) -> bool | None:
    """Read 2 up, 8 and 9 down; 0 is paused and 1 not checked yet, which are neither."""
    return {2.0: True, 8.0: False, 9.0: False}.get(value)
