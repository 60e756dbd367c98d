"""What the steps of the flow need from the outside, said as protocols, a module a subject.

The adapters fulfil them; only the composition root knows which adapter it is. ``store.memory`` is a
second, tested implementation of the observation store.
"""

from __future__ import annotations

from typing import Protocol

Labels = tuple[tuple[str, str], ...]
"""A series' labels as sorted pairs, without the metric's name."""

Value = tuple[int, str]
"""Milliseconds since the epoch, and a value as the engine writes it."""


class Clock(Protocol):
    """The only place that reads the time."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch."""
        ...


class Progress(Protocol):
    """Tells a person how long work goes on."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` units of ``what`` are finished."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
