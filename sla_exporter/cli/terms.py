"""``sla-exporter terms``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from babel import Locale, UnknownLocaleError

from sla_exporter import resources
from sla_exporter.cli import options
from sla_exporter.core.policy.example import example
from sla_exporter.errors import UnknownName
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.notices.terms import write_terms
from sla_exporter.settings.policies import load_policies

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.core.policy.terms import Policy


def _locale(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return str(Locale.parse(value, sep="-" if "-" in value else "_"))
    except (UnknownLocaleError, ValueError):
        raise click.BadParameter(f"{value!r} is not a locale; write it as in pt_BR") from None


@click.command()
@click.argument("policy")
@options.config_file
@click.option(
    "--locale",
    default="en",
    show_default=True,
    callback=_locale,
    help="The language of the terms: en, es, pt_BR, or one whose translation you have added.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "md"]),
    default="text",
    show_default=True,
    help="Plain text, a web page, or Markdown.",
)
@click.option(
    "--currency",
    default="USD",
    show_default=True,
    help="The currency of the example, if the policy names no amounts.",
)
def terms(policy: str, *, config_file: Path, locale: str, form: str, currency: str) -> None:
    """Write POLICY out as terms of service, with an example computed by the engine.

    POLICY is the name of a policy in the configuration, in a file of policies (give either as
    --config.file), or among the ready policies. What you promise is then what is computed.
    """
    found = _find(policy, config_file)
    renderer = JinjaRenderer("")
    document = write_terms(found, example(found, currency), renderer.formats(locale))
    click.echo(renderer.render_terms(document, {"text": "txt"}.get(form, form)), nl=False)


def _find(name: str, config_file: Path) -> Policy:
    """Give the latest version of a policy: from the file, or else a ready one."""
    ready = sorted((resources.folder("rules") / "policies").glob("*.yml"))
    files = [config_file] if config_file.is_file() else []
    files += [file for file in ready if not file.stem.endswith("_test")]
    for file in files:
        policies = load_policies(file)
        if name in policies:
            return policies[name].policies[-1]
    raise UnknownName(
        f"there is no policy {name!r}, neither in {config_file} nor among the ready ones"
    )
