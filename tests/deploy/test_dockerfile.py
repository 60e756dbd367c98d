"""The Dockerfile's steps, done without Docker: its build stage is run in a folder."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
STAGES = [
    [tuple(line.split(maxsplit=1)) for line in stage.splitlines() if line[:1].isupper()]
    for stage in TEXT.split("\nFROM ")[1:]
]
BUILD, FINAL = STAGES


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The build stage, run in a folder that holds what it copies and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    source, target = folder / "src", folder / "opt"
    source.mkdir()
    for word, rest in BUILD:
        if word == "COPY":
            *names, _ = rest.split()
            for name in names:
                assert f"!{name}" in (ROOT / ".dockerignore").read_text().splitlines()
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, source / name)
        if word == "RUN":
            command = shlex.split(rest.replace("/opt/sla-exporter", str(target)))
            command[0] = command[0].replace("python", sys.executable)
            done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{rest}\n{done.stderr[-2000:]}"
    return target


@pytest.mark.slow
def test_what_is_built_runs_without_the_sources(built, tmp_path):
    """With the packaged templates, as the image's command does."""
    entry = built / "bin" / "sla-exporter"
    (tmp_path / "sla-exporter.yml").write_text(
        (ROOT / "contrib/compose/sla-exporter.yml").read_text().replace("/props", str(tmp_path))
    )
    for name in ("webhook.token", "database.url"):
        (tmp_path / name).write_text("postgresql://x/y")
    (tmp_path / "customers.yml").write_text("customers: []")

    def run(*arguments: str) -> str:
        command = [str(entry), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "version" in run("--version")
    assert run("check", "config", "sla-exporter.yml")


def test_the_image_is_not_root_and_is_watched():
    """A numeric user, so that Kubernetes can tell; a health check; one folder that is written."""
    words = dict(FINAL)

    assert words["USER"] == "9948:9948"
    assert "/-/ready" in words["HEALTHCHECK"]
    assert words["VOLUME"] == "/var/lib/sla-exporter"


def test_the_base_is_pinned():
    """To an exact version, the same in both stages."""
    bases = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)

    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", bases[0])


def test_everything_copied_is_named_to_docker():
    """Nothing but what the build needs enters its context: no secret, no cache."""
    copied = {n for w, r in BUILD if w == "COPY" for n in r.split()[:-1]}
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert copied == allowed
