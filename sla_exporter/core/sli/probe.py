"""``probe``: 0/1 series such as ``probe_success`` or ``up``, read sample by sample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A selector of 0/1 series; without an ``interval_ms`` it is inferred from their samples.

    A sample stands for what follows it for at most ``max_gap_ms``, by default 2.5 intervals.
    """

    selector: str
    interval_ms: int | None = None
    max_gap_ms: int | None = None
