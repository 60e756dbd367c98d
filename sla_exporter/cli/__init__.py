"""The command line."""

from __future__ import annotations

import sys
from typing import Any

import click

from sla_exporter import __version__
from sla_exporter.cli.billing import billing
from sla_exporter.cli.catalogue import catalogue
from sla_exporter.cli.check import check
from sla_exporter.cli.claims import claims
from sla_exporter.cli.credits import credits_
from sla_exporter.cli.customers import customers
from sla_exporter.cli.deliveries import deliveries
from sla_exporter.cli.demo import demo
from sla_exporter.cli.exclusions import exclusions
from sla_exporter.cli.explain import explain, verify
from sla_exporter.cli.exposure import exposure
from sla_exporter.cli.incidents import incidents
from sla_exporter.cli.ledger import ledger
from sla_exporter.cli.migrate import migrate
from sla_exporter.cli.notices import notices
from sla_exporter.cli.reconcile import reconcile
from sla_exporter.cli.serve import serve
from sla_exporter.cli.terms import terms
from sla_exporter.cli.test import test
from sla_exporter.cli.tokens import tokens
from sla_exporter.errors import SlaExporterError


class _Commands(click.Group):
    """Puts the errors that we raise on purpose into a sentence, and keeps the order of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SlaExporterError as error:
            click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="sla-exporter")
def main() -> None:
    """Give customers the SLA refunds they were promised.

    Measures availability from the series that your Prometheus has, takes Alertmanager's webhooks
    as incident windows, settles each contract's month, and issues the credit.

    \b
    A first look, which writes and sends nothing:
      sla-exporter check config sla-exporter.yml
      sla-exporter reconcile --period 2026-10 --dry-run
    Then run it:
      sla-exporter serve
    Or see the whole story on real servers, with made-up customers:
      sla-exporter demo
    """  # noqa: D301 - click wants the character itself


_COMMANDS = (
    *(serve, check, test, terms, reconcile, credits_, claims, explain, verify, exposure, ledger),
    *(exclusions, incidents, notices, deliveries, billing, catalogue, customers),
    *(tokens, migrate, demo),
)
for _command in _COMMANDS:
    main.add_command(_command)
