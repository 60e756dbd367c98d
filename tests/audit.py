"""``python -m tests.audit``: is there a known hole in a pinned package? Nothing fails offline."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

COMMAND = [
    sys.executable, "-m", "pip_audit", "--requirement=requirements.lock", "--require-hashes",
    "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=10",
]  # fmt: skip


def holes(report: str) -> list[str] | None:
    """Read pip-audit's report: a sentence for each hole, or ``None`` if nothing was looked at.

    A package that the advisories do not know is skipped without an error, and behind some proxies
    that is every package.
    """
    try:
        found: dict[str, Any] = json.loads(report)
    except ValueError:
        return None
    if all("skip_reason" in package for package in found["dependencies"]):
        return None
    return [
        f"{package['name']} {package.get('version', '')}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in found["dependencies"]
        for hole in package.get("vulns", ())
    ]


def main() -> int:
    """Audit, and give the exit status."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=120)
        found = holes(done.stdout)
    except subprocess.TimeoutExpired:
        found = None
    if found is None:
        sys.stderr.write("audit: the advisories cannot be reached; nothing was audited\n")
        return 0
    sys.stderr.write("".join(f"audit: {sentence}\n" for sentence in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
