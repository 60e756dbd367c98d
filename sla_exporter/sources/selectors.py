"""Selectors: how one is made to pick fewer series."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.ports import Labels

_NAMED_AT_MOST = 2_000  # series named in one selector; past that, reading all is cheaper


def narrowed(selector: str, only: Sequence[Labels]) -> str:
    """Restrict a selector to a superset of the series named, by the label that tells most apart."""
    if len(only) > _NAMED_AT_MOST:
        return selector
    values: dict[str, set[str]] = {}
    for labels in only:
        for name, value in labels:
            values.setdefault(name, set()).add(value)
    everywhere = [n for n in values if all(any(n == m for m, _ in labels) for labels in only)]
    if not everywhere:
        return selector
    name = max(sorted(everywhere), key=lambda n: len(values[n]))
    pattern = "|".join(sorted(_escape(value) for value in values[name]))
    matcher = f"{name}=~{quote(pattern)}"
    head, _, rest = selector.rpartition("}")
    if not head:
        return f"{selector}{{{matcher}}}"
    separator = "" if head.rstrip().endswith(("{", ",")) else ","
    return f"{head}{separator}{matcher}}}{rest}"


def _escape(value: str) -> str:
    """Escape for RE2, which refuses the escapes of Python's re that mean nothing to it."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)
