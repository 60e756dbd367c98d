"""What the tests of configuration share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("prometheus", "webhook", "mail"):
        (secrets / name).write_text(f"{name}-secret\n")
    return tmp_path
