"""The real service behind a real PgBouncer in transaction mode."""

from __future__ import annotations

from tests.e2e.test_replicas import check_whole, is_settled
from tests.e2e.test_service import log_of, metric, until


def test_serve_settles_a_month_behind_a_pooler(config, service, postgres, pgbouncer, tmp_path):
    """Migrations, the lease, measuring, the ledger and deliveries, with no setting for it."""
    direct = postgres.fresh_database()
    config["database"] = {"url": pgbouncer.before(direct)}
    config["schedule"] = {"observe": "1s", "reconcile": "1s", "deliver": "500ms", "lease": "3s"}

    server = service(config).start()
    until(lambda: is_settled(direct), "the month was settled")
    held = metric(server, "sla_lease_held")
    server.stop()

    assert held == 1
    check_whole(direct, tmp_path)
    assert "Traceback" not in log_of(server)
