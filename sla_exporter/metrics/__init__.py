"""``/metrics``: what this process counted, and what the database says at the moment of the scrape.

Names follow Prometheus' habits: base units, ``_total`` on counters, money in major units with the
currency as a label. Counters of money are read from the ledger, so a restart never resets them.
"""

from sla_exporter.metrics.process import ProcessMetrics
from sla_exporter.metrics.scrape import MetricsHandler

__all__ = ["MetricsHandler", "ProcessMetrics"]
