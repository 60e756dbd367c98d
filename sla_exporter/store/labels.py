"""Labels as text, so that equal labels are equal text."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sla_exporter.ports import Labels


def labels_to_text(labels: Labels) -> str:
    """Write labels so that equal labels are equal text."""
    return json.dumps(labels, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=100_000)  # every tick reads the labels of every series
def labels_from_text(text: str) -> Labels:
    """Read what :func:`labels_to_text` wrote."""
    return tuple((name, value) for name, value in json.loads(text))
