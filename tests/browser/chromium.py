"""Chromium for the tests: from the PATH, or installed by apt-get where they run as root.

``python -m tests.browser.chromium`` has it at hand, or says in a sentence what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


class NoChromium(Exception):
    """There is no browser, and none can be had here."""


def find() -> Path:
    """Give the browser's path, installing it if that is possible.

    Raises:
        NoChromium: with the way to get it.
    """
    return _on_path() or _installed()


def _on_path() -> Path | None:
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def _installed() -> Path:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoChromium(_sentence("only root can install it here with apt-get"))
    sys.stderr.write("Installing chromium ...\n")
    environment = {"PATH": os.defpath, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qqy", "install", "chromium"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoChromium(_sentence(f"{' '.join(command)} failed: {done.stderr.strip()[-200:]}"))
    found = _on_path()
    if found is None:
        raise NoChromium(_sentence("the package chromium does not contain it"))
    return found


def _sentence(reason: str) -> str:
    return (
        f"Chromium, in which the tests look at notices, is not on the PATH, and {reason}. Install "
        "it (on Debian: apt-get install chromium) and try again."
    )


if __name__ == "__main__":
    try:
        find()
    except NoChromium as missing:
        sys.exit(str(missing))
