"""Reading values of loose types: numbers that are text, lists that are a mapping or nothing."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sla_exporter.errors import DeliveryDelayed, DeliveryRefused

if TYPE_CHECKING:
    from sla_exporter.core.money import Money

_REFERENCE = re.compile(r"\[ref:(sla-[0-9a-f]+)\]")


def amount(value: Any) -> Decimal:
    """Read an amount in major units from text or a whole number; never by way of a float.

    Raises:
        DeliveryDelayed: if it is none.
    """
    try:
        found = Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise DeliveryDelayed(f"the billing system gave {value!r} where an amount belongs")
    return found


def two_decimals(money: Money) -> str:
    """Write an amount for systems that keep two decimal places of every currency.

    Raises:
        DeliveryRefused: if it is not over zero, or would have to be rounded.
    """
    written = f"{money.amount:.2f}"
    if money.minor <= 0 or Decimal(written) != money.amount:
        raise DeliveryRefused(
            f"{money} cannot be entered: it is not a whole number of cents over zero"
        )
    return written


def rows(value: Any, name: str) -> list[dict[str, Any]]:
    """Read a list of mappings.

    Takes ``{"credit": [..]}``, one mapping instead of a list, the flattened keys
    ``credit[0][id]``, and ``{}``, ``[]``, ``""`` and nothing for an empty list.
    """
    if not value:
        return []
    if isinstance(value, dict) and name in value:
        value = value[name]
    if isinstance(value, dict):
        flat = _unflattened(value, name)
        value = flat or ([value] if "id" in value or "description" in value else value.values())
    return [row for row in value if isinstance(row, dict)] if not isinstance(value, str) else []


def flattened(content: dict[str, Any], outer: str, name: str) -> dict[str, Any]:
    """Give the keys ``outer[name][0][id]`` of an answer as ``name[0][id]``."""
    start = f"{outer}[{name}]"
    return {
        f"{name}{key.removeprefix(start)}": value
        for key, value in content.items()
        if key.startswith(start)
    }


def reference_in(text: Any) -> str | None:
    """Find our reference in a description."""
    found = _REFERENCE.search(str(text))
    return found[1] if found else None


def _unflattened(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    shape = re.compile(rf"{re.escape(name)}\[(\d+)\]\[(\w+)\]")
    found: dict[int, dict[str, Any]] = {}
    for key, content in value.items():
        match = shape.fullmatch(str(key))
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = content
    return [found[index] for index in sorted(found)]
