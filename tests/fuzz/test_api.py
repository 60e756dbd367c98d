"""The API against its own description: schemathesis asks, real aiohttp and a real database answer.

Every route that ``openapi.json`` tells of is asked with what fits it and with what does not, with a
token for each scope. Checked are all that schemathesis knows: statuses, media types, headers and
bodies are as described, nothing wrong is accepted and nothing right refused, no other method is
answered, no token is ignored, and nothing fails inside.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.ports.api import Scope
from tests.cast import NOVEMBER_3, outage
from tests.office import Office
from tests.web.test_api import BOOK, Asked

# make test asks for a few examples of each route, make test-all for forty.
MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "300"))  # noqa: TID251 - how thorough to be
THOROUGH = MUTATIONS >= 10_000
DATABASES = ["sqlite", "postgresql"] if THOROUGH else ["sqlite"]
TOKENS = [(Scope.READ, Scope.OPERATE), *([(scope,) for scope in Scope] if THOROUGH else ())]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SETTINGS = Path(__file__).with_name("schemathesis.toml")


async def ask(url: str, token: str, folder: Path) -> tuple[int, str]:
    """Ask everything, and give the exit status and what was found."""
    phases = "coverage,fuzzing,stateful" if THOROUGH else "coverage,fuzzing"
    described = f"{url}/api/v1/openapi.json"
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS, f"--config-file={SETTINGS}", "--no-color", "run", described,
        f"--header=Authorization: Bearer {token}", f"--max-examples={max(3, MUTATIONS // 250)}",
        f"--phases={phases}", "--checks=all", "--generation-deterministic",
        "--continue-on-failure",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize("database", DATABASES, indirect=True)
@pytest.mark.parametrize("scopes", TOKENS)
async def test_the_api_is_as_it_is_described(database, caplog, tmp_path, scopes):
    """Whatever the token may do: no answer but those that the description has."""
    office = Office(database, brakes=replace(CAREFUL, run=Budget(count=1)))
    down = {"acme": [outage(3, 10, 95)], "birch": [outage(9, 10, 95)], "cedar": []}
    await office.measured(down, until_ms=NOVEMBER_3)
    await office.settle(BOOK, NOVEMBER_3)
    async with Asked(database, office) as asked:
        token = await asked.tokens.add("fuzz", scopes, 1)
        failed, said = await ask(asked.url, token, tmp_path)

    assert not failed, said
    assert "Tested: " in said
    assert "Traceback" not in caplog.text
