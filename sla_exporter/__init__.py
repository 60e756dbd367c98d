"""SLA refunds for teams on Prometheus and Alertmanager."""

__version__ = "0.1.0"
