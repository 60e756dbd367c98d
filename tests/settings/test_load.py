"""Loading configuration: what is right comes out exact, what is wrong in sentences with lines."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.policy.downtime import Unknown
from sla_exporter.core.policy.terms import Form
from sla_exporter.core.quorum import Quorum
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings import access, load_config
from tests.settings.files import SMALL, load, problems

FULL = """\
prometheus:
  url: https://prometheus.example/
  timeout: 30s
  headers: {X-Scope-OrgID: tenant}
  basic_auth: {username: sla, password_file: secrets/prometheus}
alertmanager:
  webhook:
    bearer_token_file: secrets/webhook
    max_body: 4MiB
database:
  url: postgresql://sla@db/sla
mail:
  host: smtp.example
  port: 465
  security: tls
  username: sla
  password_file: secrets/mail
  from: "Billing <billing@example.com>"
notices:
  company: Example Hosting
  statements: false
  folder: out
mode: review
settle_after: 24h
services:
  web:
    sli: {probe: 'probe_success{job="blackbox"}', interval: 30s, max_gap: 2m, quorum: 2 of 3}
    contract_label: customer
    incidents: {matchers: ['alertname="SiteDown"', 'severity=~"page|crit"']}
policies:
  gold:
    objective: 99.95%
    period: {calendar_month: America/Sao_Paulo}
    downtime: {unknown: down, min_coverage: 90%}
    credit:
      tiers: [{below: 99.95%, pays: 10%}, {below: 99.0%, pays: 30%}]
      of: service fee
    cap: 20%
    minimum: {over: BRL 1.00}
    rounding: half even
    form: next invoice
    mode: automatic
customers:
  - id: 00123
    name: Acme Ltda
    locale: pt-BR
    zone: America/Sao_Paulo
    currency: BRL
    email: ops@acme.example
    billing: {file: 42}
    contracts:
      - {service: web, policy: gold, fee: 499.90, since: 2025-03-06, until: 2026-12-31}
      - {id: second, service: web, policy: gold, fee: 12, since: 2025-03-06, matchers: 'a="b"'}
"""


def test_a_database_may_be_reached_by_another_driver(folder, monkeypatch):
    """As it is written; where the driver is not installed, it says how to get it."""
    text = FULL.replace("postgresql://", "postgresql+psycopg://")

    assert load(folder, text).database_url == "postgresql+psycopg://sla@db/sla"
    monkeypatch.setattr(access, "find_spec", lambda _: None)
    (problem,) = problems(folder, text)
    assert problem.endswith(
        "url: postgresql+psycopg:// needs a package that is not installed; "
        "pip install 'sla-exporter[psycopg]' brings it, and postgresql:// does without"
    )


def test_every_value_arrives_exactly(folder):
    """Secrets are read, paths are beside the file, figures are exact."""
    config = load(folder, FULL)

    assert config.prometheus.url == "https://prometheus.example/"
    assert config.prometheus.timeout_s == 30
    assert config.prometheus.headers == {"X-Scope-OrgID": "tenant"}
    assert config.prometheus.auth == ("sla", "prometheus-secret")
    assert (config.webhook.bearer_token, config.webhook.max_body) == ("webhook-secret", 4 * 2**20)
    assert config.database_url == "postgresql+asyncpg://sla@db/sla"
    assert config.mail
    assert (config.mail.port, config.mail.security) == (465, "tls")
    assert config.mail.password == "mail-secret"
    assert config.notices.folder == folder / "out"
    assert config.settle_after_ms == 86_400_000
    book = config.catalogue
    assert book.mode is Mode.REVIEW
    service = book.services["web"]
    assert (service.interval_ms, service.max_gap_ms) == (30_000, 120_000)
    assert service.quorum == Quorum(at_least=2)
    assert [str(m) for m in service.incident_matchers] == [
        'alertname="SiteDown"',
        'severity=~"page|crit"',
    ]
    (policy,) = book.policies["gold"]
    assert policy.promised
    assert policy.promised.value == Fraction(9995, 10_000)
    assert policy.period.zone == "America/Sao_Paulo"
    assert policy.downtime.unknown is Unknown.DOWN
    assert [cap.limit.amount for cap in policy.caps] == [Fraction(1, 5)]
    assert policy.minimum
    assert (policy.minimum.money, policy.minimum.strict) == (Money.of("1.00", "BRL"), True)
    assert (policy.rounding, policy.form) == (Rounding.HALF_EVEN, Form.NEXT_INVOICE)
    first, second = book.contracts
    assert (first.id, first.customer.id, first.fee) == (
        "00123-web",
        "00123",
        Money.of("499.90", "BRL"),
    )
    assert (first.since, first.until) == (date(2025, 3, 6), date(2026, 12, 31))
    assert first.customer.locale == "pt_BR"
    assert first.customer.email == ("ops@acme.example",)
    assert (second.id, second.fee.minor) == ("second", 1200)
    assert policy.mode is Mode.AUTOMATIC


def test_defaults_are_the_careful_ones(folder):
    """Nothing is sent until somebody says so."""
    config = load(folder, SMALL)

    assert config.catalogue.mode is Mode.OBSERVE
    assert config.settle_after_ms == 48 * 3_600_000
    assert config.mail is None
    assert config.database_url == f"sqlite+aiosqlite:///{folder}/sla-exporter.db"
    (policy,) = config.catalogue.policies["gold"]
    assert policy.downtime.unknown is Unknown.EXCLUDE
    assert policy.downtime.min_coverage.value == Fraction(95, 100)


def test_secrets_are_in_no_text(folder):
    """Neither repr nor str of a configuration gives them away."""
    shown = repr(load(folder, FULL))

    assert "-secret" not in shown
    assert "tenant" not in shown


MISTAKES = [
    # what stood there; what stands there now; what is said about the line where that is
    ("mode: review", "mode: revue", "mode: must be observe, review or automatic, not 'revue'"),
    (
        "settle_after: 24h",
        "settle_after: 24",
        "settle_after: '24' is not a duration; write it as in 30s, 1h30m or 3 days",
    ),
    ("fee: 499.90", "fee: 499.905", "fee: 499.905 BRL has more than 2 decimal places"),
    ("currency: BRL", "currency: BLR", "currency: 'BLR' is not an ISO 4217 currency code"),
    (
        "locale: pt-BR",
        "locale: xx_YY",
        "locale: 'xx_YY' is not a locale; write it as in en or pt_BR",
    ),
    ("pays: 30%", "pays: 30}", "is not valid YAML"),
    (
        "pays: 30%",
        "pays: 30",
        "pays: '30' is not a credit; write it as in 10%, 1/30 of fee, EUR 5.00",
    ),
    ("{service: web, ", "{service: wbe, ", "there is no service 'wbe'; there are: web"),
    ("    cap: 20%", "    capp: 20%", "unknown key 'capp'; did you mean 'cap'?"),
    (
        "secrets/mail",
        "secrets/male",
        "password_file: secrets/male cannot be read: No such file or directory",
    ),
    (
        "objective: 99.95%",
        "objective: 199%",
        "objective: an objective lies between 0% and 100%",
    ),
    ("max_gap: 2m", "max_gap: 1s", "max_gap: must be at least the interval"),
    (
        "url: postgresql:",
        "url: mysql:",
        "url: a database is sqlite:// or postgresql://, not mysql://",
    ),
    ("of: service fee", "of: whole bil", "of: must be service fee, whole bill, previous invoice"),
    ("until: 2026-12-31", "until: 2024-12-31", "until: the contract ends before it begins"),
    (
        "matchers: 'a=\"b\"'",
        "matchers: 'a'",
        "matchers: a matcher is written label=\"value\", not 'a'",
    ),
    (
        "basic_auth: {username: sla, password_file: secrets/prometheus}",
        "basic_auth: {username: sla}",
        "password or password_file is missing",
    ),
    (
        "  - id: 00123\n",
        "  - id: ''\n",
        "id: string should have at least 1 character",
    ),
    (
        "minimum: {over: BRL 1.00}",
        "minimum: {over: BRL 1.00, at_least: BRL 2.00}",
        "minimum: give either over or at_least",
    ),
    ("since: 2025-03-06, until", "until", "the key 'since' is missing"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_line(folder, old, new, said):
    """One sentence, at the line where the mistake stands."""
    assert old in FULL
    text = FULL.replace(old, new, 1)
    line = text[: text.index(new)].count("\n") + 1

    (found,) = problems(folder, text)

    assert found.startswith(f"sla.yml:{line}: {said}")


def test_a_locale_that_looks_like_a_boolean_is_a_locale(folder):
    """``no`` is Norwegian."""
    config = load(folder, FULL.replace("locale: pt-BR", "locale: no"))

    assert config.catalogue.contracts[0].customer.locale == "no"


def test_a_minimum_in_another_currency_is_told_at_every_contract(folder):
    """A policy may serve customers of one currency only, if it names an amount."""
    found = problems(folder, FULL.replace("over: BRL 1.00", "over: EUR 1.00"))

    assert [sentence.partition(": ")[2] for sentence in found] == [
        "policy 'gold' names amounts in EUR, but the customer pays in BRL"
    ] * 2


def test_a_policy_that_changes_its_periods_in_the_middle_of_one_is_told(folder):
    """At every contract that is old enough."""
    text = SMALL.replace(
        "  gold: {objective: 99.9%, credit: {tiers: [{below: 99.9%, pays: 10%}]}}",
        "  gold:\n"
        "    - {credit: {flat: 1%}}\n"
        "    - {credit: {flat: 1%}, effective_from: 2026-11-01, period: calendar quarter}",
    )

    (problem,) = problems(folder, text)
    assert problem.startswith("sla.yml:12: policy 'gold' counts by other periods from 2026")
    load(folder, text.replace("2026-11-01", "2026-10-01"))


def test_two_contracts_of_the_same_name_are_told_with_both_places(folder):
    """One of them needs an id of its own."""
    (found,) = problems(folder, FULL.replace("id: second, ", ""))

    first = FULL[: FULL.index("{service: web")].count("\n") + 1
    assert found == (
        f"sla.yml:{first + 1}: contract '00123-web' is also at sla.yml:{first}; "
        "give one of them an id of its own"
    )


def test_all_mistakes_are_told_at_once(folder):
    """Nobody mends a file one error at a time."""
    text = SMALL.replace("99.9%, pays", "99.9, pays").replace("up}", "up, x: 1}")

    assert problems(folder, text) == [
        (
            "sla.yml:3: unknown key 'x'; "
            "the keys here are: interval, max_gap, min_known, probe, quorum"
        ),
        "sla.yml:5: below: '99.9' is not a percentage; write it as in 99.95%",
    ]


def test_mistakes_between_sections_are_told_at_once_too(folder):
    """Names that do not exist, and values that do not fit each other."""
    text = SMALL.replace("fee: 10.00", "fee: 1.001").replace("policy: gold", "policy: gould")

    assert [sentence.partition(": ")[2] for sentence in problems(folder, text)] == [
        "fee: 1.001 EUR has more than 2 decimal places",
        "there is no policy 'gould'; there are: gold",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "sla.yml:1: the key 'prometheus' is missing"),
        ("a: [1, 2", "sla.yml:1: is not valid YAML: while parsing a flow sequence expected ','"),
        ("- a\n- b\n", "sla.yml:1: the file: must be a mapping, not a list"),
        (SMALL + "mode: observe\nmode: review\n", "sla.yml:12: the key 'mode' is given twice"),
        ("a: &x 1\nb: &x 2\n", "sla.yml:1: unknown key 'a'"),
        (SMALL + "mode: &m [*m]\n", "sla.yml:11: an alias may not contain itself"),
        ("\t", "sla.yml:1: is not valid YAML"),
        ("a: !!python/object:os.system {}", "sla.yml:1: unknown key 'a'"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_told_as_such(folder, text, expected):
    """Never a traceback."""
    assert any(problem.startswith(expected) for problem in problems(folder, text))


def test_a_file_that_is_not_there(folder):
    """In a sentence."""
    with pytest.raises(ConfigInvalid, match=r"none\.yml: cannot be read: No such file"):
        load_config(folder / "none.yml")


LINE = re.compile(r"sla\.yml(:\d+)?: \S")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutation_of_a_file_is_a_traceback(folder, data):
    """Words dropped, doubled or replaced: a configuration, or sentences with file and line."""
    words = re.split(r"(\s+|[{}\[\],:])", FULL)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(words) - 1))
        words[index] = data.draw(
            st.sampled_from(
                ["", words[index] * 2, "~", "{}", "[]", "true", "-1", "''", "\n", "&a", "9%"]
            )
        )
    text = "".join(words)
    found: tuple[object, ...] = ()
    try:
        load(folder, text)
    except ConfigInvalid as error:
        found = error.problems or ("a refusal without a problem",)

    assert [p for p in found if not LINE.match(str(p).replace(f"{folder}/", ""))] == []
