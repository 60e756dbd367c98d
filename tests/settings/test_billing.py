"""``billing`` in the configuration: secrets, mistakes, and forms that a sink cannot give."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from sla_exporter.app import load
from sla_exporter.cli import main
from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import ConfigInvalid
from sla_exporter.outward import account_finder, billing_forms, sinks_of
from sla_exporter.ports.settling import Routes
from tests.settings.files import SMALL
from tests.sinks.conftest import CLOCK, ENTRY

WHMCS = (
    "billing: {whmcs: {url: 'https://bill.example', identifier: me, secret_file: whmcs.secret}}\n"
)
NUMBERED = SMALL.replace("    currency: EUR\n", "    currency: EUR\n    billing: {whmcs: 42}\n")


@pytest.fixture
def write(tmp_path):
    (tmp_path / "whmcs.secret").write_text("hunter2\n")

    def write(text: str):
        file = tmp_path / "sla.yml"
        file.write_text(text)
        return file

    return write


def problems(file) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        load(file)
    return [str(problem).replace(f"{file}:", "") for problem in caught.value.problems]


async def test_sinks_are_built_by_name(write):
    """Two of one kind have a type and names of their own; files are always there."""
    config = load(
        write(
            NUMBERED
            + WHMCS.replace("}}", "}, ")
            + "  old: {type: whmcs, url: 'http://x.example', identifier: me, secret: s},\n"
            + "  stripe: {key: sk_1}}\n"
        )
    )
    sinks = sinks_of(config, CLOCK)

    assert sorted(sinks.billing) == ["file", "old", "stripe", "whmcs"]
    assert sinks.billing["old"].name == "old"
    assert config.billing["whmcs"].section.secret.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(config)
    assert account_finder(config)("whmcs", ENTRY) == "42"
    assert account_finder(config)("stripe", ENTRY) is None
    assert account_finder(config)("file", ENTRY) == "acme"
    await sinks.close()


@pytest.mark.parametrize(
    ("billing", "problem"),
    [
        ("{pigeon: {}}", "there is no kind of billing sink 'pigeon'; there are: fossbilling, inv"),
        ("{file: {type: whmcs}}", "there is no kind of billing sink"),
        ("{whmcs: {url: 'http://x', identifier: me}}", "the key 'secret' is missing"),
        ("{stripe: {key: k, sekret: s}}", "unknown key 'sekret'"),
        ("{stripe: {key: k, key_file: whmcs.secret}}", "give either key or key_file, not both"),
        ("{stripe: {key_file: nowhere}}", "key_file: nowhere cannot be read: No such file"),
        ("{stripe: {key: k, url: x.example}}", "must begin with https:// or http://"),
        ("{stripe: {key: k, account_credit: gift}}", "must be balance or credit_note"),
        ("{webhook: {url: 'http://x', secret: hunter3}}", "must be whsec_ and the base64 of"),
    ],
)
def test_mistakes_have_a_place_and_show_no_secret(write, billing, problem):
    """As all others do."""
    (found,) = problems(write(SMALL + f"billing: {billing}\n"))

    assert problem in found
    assert found[0].isdigit()
    assert "hunter3" not in found


def test_a_form_that_the_sink_cannot_give_is_found_before_the_months_end(write):
    """At the customer's place, with what to do."""
    text = NUMBERED.replace("pays: 10%}]}}", "pays: 10%}]}, form: refund}") + WHMCS

    (found,) = problems(write(text))

    assert (
        "policy 'gold' of contract 'acme-web' gives the form 'refund', which whmcs cannot" in found
    )
    assert found.startswith("7:")
    assert load(write(text.replace("{whmcs: 42}", "{whmcs: 42, file: acme}")))


@pytest.mark.parametrize("section", [WHMCS, ""])
def test_a_mistyped_sink_diverts_no_money(write, section):
    """The line of the name, and what names there are."""
    text = NUMBERED.replace("{whmcs: 42}", "{file: acme,\n      wmhcs: 42}") + section
    there = "whmcs, file" if section else "file"

    (found,) = problems(write(text))

    assert found == f"11: there is no billing sink 'wmhcs'; there are: {there}"


def test_a_mistyped_sink_in_a_column_is_found_too(write, tmp_path):
    """In the rows that use it."""
    (tmp_path / "more.csv").write_text(
        "id,name,currency,service,policy,fee,since,billing.stripe,billing.whmcs\n"
        "birch,Birch,EUR,web,gold,5,2026-01-01,,42\n"
        "cedar,Cedar,EUR,web,gold,5,2026-01-01,cus_1,\n"
    )

    (found,) = problems(write(NUMBERED + WHMCS + "customer_files: more.csv\n"))

    assert found.endswith("more.csv:3: there is no billing sink 'stripe'; there are: whmcs, file")


def test_the_first_sink_that_can_give_the_form_gets_the_credit(write):
    """In the order of the customer's billing numbers; files are the last resort."""
    config = load(
        write(
            NUMBERED.replace("{whmcs: 42}", "{whmcs: 42, stripe: cus_1}")
            + WHMCS.replace("}}", "}, stripe: {key: k}}")
        )
    )
    routes = Routes(notices="file", credits="file", statements=True, billing=billing_forms(config))
    (contract,) = config.catalogue.contracts

    assert routes.credit_sink(contract.customer, Form.ACCOUNT_CREDIT) == "whmcs"
    assert routes.credit_sink(contract.customer, Form.REFUND) == "stripe"
    assert routes.credit_sink(contract.customer, Form.EXTENSION) == "file"


def test_who_has_no_number_is_told(write):
    """Their credits would wait as files."""
    result = CliRunner().invoke(main, ["check", "config", str(write(SMALL + WHMCS))])

    assert result.exit_code == 0
    assert "no number under billing, so credits become files in" in result.output
    assert ": acme\n" in result.output


def test_all_who_have_no_number_are_counted(write):
    """Not only those that are named."""
    many = "".join(
        f"  - {{id: c{n}, name: C, currency: EUR, contracts: ["
        "{service: web, policy: gold, fee: 5, since: 2026-01-01}]}\n"
        for n in range(12)
    )

    output = CliRunner().invoke(main, ["check", "config", str(write(SMALL + many + WHMCS))]).output

    assert "acme, c0, c1, c2, c3, c4, c5, c6, c7, c8 and 3 more\n" in output


def test_mail_can_be_paced(write):
    """A cap for every hour."""
    config = load(write(SMALL + "mail: {host: h, from: a@b.example, per_hour: 200}\n"))

    assert config.mail
    assert config.mail.per_hour == 200
