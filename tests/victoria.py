"""Putting samples into a real VictoriaMetrics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterable

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_LINES_AT_ONCE = 500


def fill(url: str, series: Iterable[tuple[str, Iterable[tuple[int, float]]]]) -> None:
    """Import series in OpenMetrics notation with samples ``(at_ms, value)``, and make them seen."""
    lines: list[str] = []
    for name, samples in series:
        points = list(samples)
        metric = {"__name__": name.partition("{")[0], **dict(_LABEL.findall(name))}
        values = [value for _, value in points]
        times = [at for at, _ in points]
        lines.append(json.dumps({"metric": metric, "values": values, "timestamps": times}))
        if len(lines) == _LINES_AT_ONCE:
            _post(url, lines)
    _post(url, lines)
    requests.get(f"{url}/internal/force_flush", timeout=60).raise_for_status()


def _post(url: str, lines: list[str]) -> None:
    body = "\n".join(lines) + "\n"
    requests.post(f"{url}/api/v1/import", data=body, timeout=60).raise_for_status()
    lines.clear()
