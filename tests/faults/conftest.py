"""The same real servers as the end-to-end tests."""

from __future__ import annotations

from tests.e2e.conftest import config, history, service, stage

__all__ = ["config", "history", "service", "stage"]
