"""The real servers' programs: from the PATH, or from Debian packages unpacked into a cache folder.

Packages are downloaded and unpacked, not installed: that needs no root, starts no daemon, and
leaves the machine as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from sla_exporter.errors import SlaExporterError

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "blackbox_exporter": "prometheus-blackbox-exporter",
    "victoria-metrics": "victoria-metrics",
    "pgbouncer": "pgbouncer",
    "faketime": "faketime",
}
# What Debian calls the programs that upstream calls otherwise.
_DEBIAN_NAMES = {
    "alertmanager": "prometheus-alertmanager",
    "blackbox_exporter": "prometheus-blackbox-exporter",
}

# Where Debian's Alertmanager looks for its templates, wherever it was unpacked.
_SHARE = "usr/share/prometheus/alertmanager"


def cache_folder() -> Path:
    """Say where packages are unpacked: beside the checkout, or in the user's cache."""
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".cache" / "servers"
    return Path.home() / ".cache" / "sla-exporter" / "servers"


def find(program: str) -> Path:
    """Give a program's path, fetching its package if it is nowhere yet.

    Raises:
        SlaExporterError: if it cannot be had here, with the way to get it.
    """
    unpacked = os.pathsep.join(str(cache_folder() / "usr" / part) for part in ("bin", "sbin"))
    names = [program, *filter(None, [_DEBIAN_NAMES.get(program)])]
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=unpacked)
        if found:
            return Path(found)
    _fetch(PACKAGES[program])
    for name in names:
        found = shutil.which(name, path=unpacked)
        if found:
            return Path(found)
    raise _missing(program, f"the package {PACKAGES[program]} does not contain it")


def libraries() -> str:
    """Say where unpacked programs find the shared libraries that came with them."""
    return os.pathsep.join(map(str, (cache_folder() / "usr" / "lib").glob("*-linux-*")))


def _fetch(package: str) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise _missing(package, "this machine has no apt-get to fetch it with")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(f"Fetching {package} ...", err=True)
    if not _download(package, folder, []):
        own_lists = _private_apt(folder)
        _run(["apt-get", *own_lists, "-qq", "update"], folder)
        if not _download(package, folder, own_lists):
            raise _missing(package, "apt-get could not download it")
    for archive in folder.glob(f"{package}_*.deb"):
        needed = _libraries_of(archive, folder)
        _run(["dpkg", "-x", str(archive), str(folder)], folder)
        archive.unlink()
        for library in needed:
            _fetch(library)
    if package == PACKAGES["alertmanager"]:
        _make_relocatable(folder / "usr" / "bin" / "prometheus-alertmanager")


def _libraries_of(archive: Path, folder: Path) -> list[str]:
    """Give the packages of shared libraries that a package needs and this machine lacks."""
    depends = _run(["dpkg", "-f", str(archive), "Depends"], folder).stdout
    libraries = [word for word in re.findall(r"[a-z0-9.+-]+", depends) if word.startswith("lib")]
    return [one for one in libraries if _run(["dpkg", "-s", one], folder).returncode]


def alertmanager_home() -> Path:
    """Say in which folder Alertmanager must run to find its templates."""
    unpacked = cache_folder() / _SHARE
    return unpacked if unpacked.is_dir() else Path.cwd()


def _make_relocatable(program: Path) -> None:
    """Let the unpacked Alertmanager look in its working folder instead of ``/usr/share``.

    The path is compiled in, and nothing may be put there; a relative path of the same length does.
    """
    wanted = f"/{_SHARE}".encode()
    here = b"." + b"/" * (len(wanted) - 1)
    program.write_bytes(program.read_bytes().replace(wanted, here))


def _private_apt(folder: Path) -> list[str]:
    """Give apt lists and caches of its own, so that no root is needed and nothing else changes."""
    apt = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    return [
        "-o", f"Dir::State::lists={apt / 'lists'}",
        "-o", f"Dir::Cache={apt / 'cache'}",
        "-o", "Debug::NoLocking=true",
        "-o", "APT::Sandbox::User=",
    ]  # fmt: skip


def _download(package: str, folder: Path, options: list[str]) -> bool:
    command = ["apt-get", *options, "-qq", "-o", "APT::Sandbox::User=", "download", package]
    done = _run(command, folder)
    return done.returncode == 0 and any(folder.glob(f"{package}_*.deb"))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _missing(program: str, reason: str) -> SlaExporterError:
    return SlaExporterError(
        f"{program} is not on the PATH, and {reason}. Install it (on Debian: apt-get install "
        f"{PACKAGES.get(program, program)}) or put its folder on the PATH, and try again."
    )


def main() -> None:
    """Have every server's program at hand, or say which one is missing."""
    try:
        for program in PACKAGES:
            find(program)
    except SlaExporterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
