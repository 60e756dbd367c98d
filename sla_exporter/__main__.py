"""``python -m sla_exporter``."""

from sla_exporter.cli import main

main()
