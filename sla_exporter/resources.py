"""Where templates and rules lie: in the checkout, or packaged into the wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Find ``templates`` or ``rules``; a checkout comes before the packaged copy."""
    checkout = _PACKAGE.parent / name
    in_checkout = (_PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir()
    return checkout if in_checkout else _PACKAGE / name
