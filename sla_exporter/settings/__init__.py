"""The operator's files, read once and passed on as plain values."""

from sla_exporter.settings.config import Config
from sla_exporter.settings.load import load_config

__all__ = ["Config", "load_config"]
