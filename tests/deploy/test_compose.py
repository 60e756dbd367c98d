"""``docker-compose.yml`` and every file that it mounts, each checked by its own tool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from sla_exporter.cli import main
from sla_exporter.demo import props
from sla_exporter.demo.binaries import find
from sla_exporter.demo.cast import CAST, HARBOR, POLICIES
from sla_exporter.demo.site import is_down_at
from sla_exporter.settings import load_config
from tests.deploy.compose_model import ComposeFile, Service

ROOT = Path(__file__).parents[2]
COMPOSE = ComposeFile.model_validate(YAML(typ="safe", pure=True).load(ROOT / "docker-compose.yml"))
OURS = {name: s for name, s in COMPOSE.services.items() if s.image == "sla-exporter:local"}


def mounted(service: str, root: Path) -> Path:
    """Lay a container's files out under a folder as its mounts do."""
    for volume in COMPOSE.services[service].volumes:
        source, target = volume.split(":")[:2]
        if source.startswith("."):
            place = root / target.removeprefix("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)
    return root


def run(program: str, *arguments: str) -> str:
    command = [str(find(program)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """What the service ``prepare`` leaves."""
    folder = tmp_path_factory.mktemp("props")
    done = CliRunner().invoke(props.main, ["prepare", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("name", COMPOSE.services)
def test_what_a_service_names_is_there(name):
    """Other services, volumes and files."""
    service = COMPOSE.services[name]
    named = {volume.split(":")[0] for volume in service.volumes}

    assert service.depends_on.keys() <= COMPOSE.services.keys()
    assert {n for n in named if not n.startswith(".")} <= COMPOSE.volumes.keys()
    assert all((ROOT / source).is_file() for source in named if source.startswith("."))


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_ours_run_without_rights(service: Service):
    """A read-only root, no capabilities, and no way to get any."""
    assert service.read_only
    assert service.cap_drop == ["ALL"]
    assert service.build == "."


# Images that say USER themselves; PostgreSQL's begins as root and drops that by itself.
_OWN_USER = ("sla-exporter", "prom/prometheus", "prom/alertmanager", "grafana/grafana", "postgres")


@pytest.mark.parametrize("name", COMPOSE.services)
def test_nothing_runs_as_root(name):
    """By the image's own user, or by one that is given here."""
    service = COMPOSE.services[name]

    assert service.user or service.image.partition(":")[0] in _OWN_USER
    assert service.read_only or name in {"postgres", "history"}


def test_every_address_is_a_service():
    """Wherever a configuration names a host of the composition."""
    files = [ROOT / "docker-compose.yml", *(ROOT / "contrib/compose").rglob("*.yml")]
    text = "".join(file.read_text() for file in files)
    hosts = re.findall(r"(?:https?://|\"|host: )([a-z-]+)(?::\d+|, port)", text)

    assert set(hosts) - {"localhost", "sla"} <= COMPOSE.services.keys()
    assert {"prometheus", "alertmanager", "blackbox", "site", "mail"} <= set(hosts)


def test_every_published_address_is_described():
    """At the head of the file, where one looks for them."""
    head = (ROOT / "docker-compose.yml").read_text().partition("\nname:")[0]
    published = {port.split(":")[1] for s in COMPOSE.services.values() for port in s.ports}

    assert set(re.findall(r"http://localhost:(\d+)", head)) == published


def test_every_volume_is_used():
    """Or it would only be clutter."""
    used = {v.split(":")[0] for s in COMPOSE.services.values() for v in s.volumes}

    assert COMPOSE.volumes.keys() <= used


def test_prometheus_takes_its_configuration_and_rules(tmp_path):
    """As ``promtool check config`` sees them, rules included."""
    root = mounted("prometheus", tmp_path)

    said = run("promtool", "check", "config", str(root / "etc/prometheus/prometheus.yml"))

    assert "2 rule files found" in said
    assert "FAILED" not in said


def test_alertmanager_takes_its_configuration(tmp_path):
    """As ``amtool check-config`` sees it."""
    root = mounted("alertmanager", tmp_path)

    assert "SUCCESS" in run(
        "amtool", "check-config", str(root / "etc/alertmanager/alertmanager.yml")
    )


def test_blackbox_exporter_takes_its_configuration(tmp_path):
    """As its own check sees it."""
    file = mounted("blackbox", tmp_path) / "etc/blackbox/blackbox.yml"

    assert "ok" in run("blackbox_exporter", f"--config.file={file}", "--config.check").lower()


def test_our_configuration_is_valid_with_what_was_prepared(prepared, tmp_path):
    """The demo's policies and customers, PostgreSQL, mail, and secrets that were made here."""
    file = tmp_path / "sla-exporter.yml"
    text = (ROOT / "contrib/compose/sla-exporter.yml").read_text()
    file.write_text(text.replace("/props", str(prepared)))

    config = load_config(file)
    written = YAML(typ="safe", pure=True).load(text)["policies"]

    assert CliRunner().invoke(main, ["check", "config", str(file)]).exit_code == 0
    assert config.database_url.startswith("postgresql+asyncpg://sla:")
    assert config.webhook.bearer_token == (prepared / "webhook.token").read_text()
    assert {c.customer.id for c in config.catalogue.contracts} == {p.id for p in (*CAST, HARBOR)}
    assert written == POLICIES


def test_the_history_becomes_blocks(prepared, tmp_path):
    """With the very command of the service ``history``."""
    script = (COMPOSE.services["history"].command or [""])[0]
    line = next(line for line in script.splitlines() if line.startswith("promtool"))
    line = line.replace("/props", str(prepared)).replace(" /prometheus", f" {tmp_path}")

    run(*line.split())

    assert len(list(tmp_path.glob("*/meta.json"))) >= 1


def test_preparing_twice_changes_nothing(prepared):
    """A restart keeps the password that the database was made with."""
    before = (prepared / "postgres.password").read_text()

    assert CliRunner().invoke(props.main, ["prepare", str(prepared)]).exit_code == 0
    assert (prepared / "postgres.password").read_text() == before


def test_the_site_is_down_for_a_minute_in_ten():
    """So that an outage can be watched without waiting long."""
    assert sum(is_down_at(minute * 60_000) for minute in range(60)) == 6


def test_grafana_finds_its_dashboard_and_data():
    """The folder of the provider, the uid of the data source, the home page."""
    yaml = YAML(typ="safe", pure=True)
    (source,) = yaml.load(ROOT / "contrib/compose/grafana/datasources.yml")["datasources"]
    (provider,) = yaml.load(ROOT / "contrib/compose/grafana/dashboards.yml")["providers"]
    grafana = COMPOSE.services["grafana"]
    home = grafana.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    dashboard = json.loads((ROOT / "contrib/grafana/sla-exporter.json").read_text())

    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert Path(home).parent == Path(provider["options"]["path"])
    assert any(v.startswith(f"./contrib/grafana/sla-exporter.json:{home}") for v in grafana.volumes)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
