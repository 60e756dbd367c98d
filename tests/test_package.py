"""The wheel that users install: complete, and usable without the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_templates_rules_and_migrations_are_in_the_wheel(wheel):
    """What the program looks for at run time is there."""
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "sla_exporter/templates/notices/credit/body.html",
        "sla_exporter/templates/locale/pt_BR/LC_MESSAGES/notices.po",
        "sla_exporter/templates/web/status.html",
        "sla_exporter/rules/prometheus/sla-exporter.rules.yml",
        "sla_exporter/store/migrations/env.py",
        "sla_exporter/store/migrations/versions/0001_first_tables.py",
    } <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_an_unpacked_wheel_renders_and_migrates(wheel, tmp_path):
    """Away from the checkout, with the packaged templates and migrations."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "import asyncio, sla_exporter\n"
        "from sla_exporter import resources\n"
        "from sla_exporter.store.engine import Database\n"
        "from sla_exporter.notices.render import JinjaRenderer\n"
        "database = Database('sqlite+aiosqlite:///test.db')\n"
        "async def main():\n"
        "    await database.migrate()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "print(JinjaRenderer('x').formats('pt_BR').duration(86400000))\n"
        "print(sla_exporter.__file__)\n"
        "print(resources.folder('rules'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "1 dia",
        str(tmp_path / "site" / "sla_exporter" / "__init__.py"),
        str(tmp_path / "site" / "sla_exporter" / "rules"),
    ]
