"""The configuration as it may be shown: without secrets, and without who the customers are."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from sla_exporter.core.urls import without_secrets

MASK = "<secret>"
_SECRET = re.compile(r"(password|token|secret|key|credentials?|identifier)$", re.IGNORECASE)
_LOGIN = re.compile(r"^(\w[\w+.-]*://).*@", re.DOTALL)  # of a value that is a URL
_CUSTOMERS = "customers"
_ALL_SECRET = {"headers"}


def shown(value: Any) -> str:
    """Write a configuration as YAML with every secret masked.

    Customers are counted and not listed: their names and addresses are nobody's business.
    """
    text = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(_masked(value, ()), text)
    return text.getvalue()


def _masked(value: Any, path: tuple[str, ...]) -> Any:
    name = path[-1] if path else ""
    if path == (_CUSTOMERS,) and isinstance(value, list):
        return f"<{len(value)} customers>"
    if isinstance(value, dict):
        return {key: _masked(inner, (*path, str(key))) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, path) for inner in value]
    if value is not None and (_SECRET.search(name) or _ALL_SECRET & set(path[:-1])):
        return MASK
    if isinstance(value, str):
        return without_secrets(_LOGIN.sub(rf"\1{MASK}@", value), MASK)
    return value
