"""Rendering notices: a settlement in, a finished message out, the same one for the same input."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import css_inline
from babel import Locale
from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sla_exporter import resources
from sla_exporter.core.policy.pay import TERMINATION, Pay, Unit
from sla_exporter.core.settlement import Verdict
from sla_exporter.notices.formats import Formats
from sla_exporter.notices.languages import translations
from sla_exporter.notices.reasons import sentences
from sla_exporter.notices.timeline import timeline_png
from sla_exporter.ports.settling import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.settled import Settled
    from sla_exporter.notices.terms import Terms

TIMELINE = "timeline"
PARTS = ("subject.txt", "body.txt", "body.html")

# They turn the direction of what follows them, even in what we wrote.
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """What every template may use, whatever its kind; all of it is in the reader's language."""

    company: str
    language: str
    customer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledView(NoticeView):
    """What the templates about a settlement may use besides.

    ``timeline`` is the source of the outage picture for an ``img`` element; ``reasons`` are the
    steps of the calculation in order. ``minor`` and ``currency`` are the credit in money.
    """

    contract: str
    service: str
    period: str
    zone: str
    availability: str
    objective: str
    met: bool
    downtime: str
    unknown: str
    credit: str
    form: str
    reference: str
    reasons: tuple[str, ...]
    timeline: str
    minor: int
    currency: str


class JinjaRenderer:
    """Renders from templates: the operator's folder first, then our own."""

    def __init__(self, company: str, operators_folder: Path | None = None) -> None:
        own = resources.folder("templates")
        self._folders = (operators_folder, own) if operators_folder else (own,)
        self._company = company
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}
        self._inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

    def render(self, settled: Settled, customer: Customer, entry: Entry | None) -> Notice:
        """Render the credit notice if there is an entry, and else the statement.

        A period that was settled anew has a notice of its own kind.
        """
        kind = "credit" if entry else "statement"
        again = f"/{settled.revision}" if settled.revision > 1 else ""
        if again:
            kind = "correction"
        pictures = {TIMELINE: timeline_png(settled.span, settled.windows, settled.zone)}
        view = self._view(settled, customer, entry)
        return self.write(kind, f"{kind}/{settled.key}{again}", customer, view, pictures)

    def write(
        self,
        kind: str,
        key: str,
        customer: Customer,
        view: NoticeView,
        pictures: Mapping[str, bytes] | None = None,
    ) -> Notice:
        """Write the notice of any kind: what its three templates make of the view."""
        facts = _without_turns(asdict(view))
        environment = self._environment(customer.locale)

        subject, text, html = (
            environment.get_template(f"notices/{kind}/{part}").render(notice=facts, alone=True)
            for part in PARTS
        )
        return Notice(
            key=key,
            kind=kind,
            customer=customer.id,
            locale=customer.locale,
            recipients=customer.email,
            subject=" ".join(subject.split()),
            text=text,
            html=self._inliner.inline(html),
            pictures=pictures or {},
            facts=facts,
        )

    def render_terms(self, terms: Terms, suffix: str) -> str:
        """Render terms of service as ``txt``, ``md`` or ``html``."""
        environment = self._environment("en")
        return environment.get_template(f"terms/terms.{suffix}").render(terms=terms)

    def path_of(self, template: str) -> Path:
        """Say which file a template is read from."""
        paths = (folder / template for folder in self._folders)
        return next(path for path in paths if path.is_file())

    def formats(self, locale: str) -> Formats:
        """Give the formats of a locale, with its translations."""
        return Formats(Locale.parse(locale), translations(locale, self._folders))

    def _environment(self, locale: str) -> ImmutableSandboxedEnvironment:
        if locale not in self._environments:
            environment = ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(self._folders),
                autoescape=select_autoescape(["html"]),
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
                keep_trailing_newline=True,
                extensions=["jinja2.ext.i18n"],
            )
            environment.filters["markdown"] = _escape_markdown
            words = translations(locale, self._folders)
            environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
            self._environments[locale] = environment
        return self._environments[locale]

    def _view(self, settled: Settled, customer: Customer, entry: Entry | None) -> SettledView:
        formats = self.formats(customer.locale)
        ratio, objective = settled.ratio, settled.objective
        return SettledView(
            company=self._company,
            language=customer.locale.replace("_", "-"),
            customer=customer.name,
            contract=settled.contract,
            service=settled.service,
            period=formats.period(settled.period, settled.span, settled.zone),
            zone=settled.zone,
            availability=formats.percent(ratio) if ratio is not None else "?",
            objective=formats.say("no outage") if objective is None else formats.percent(objective),
            met=settled.verdict is Verdict.MET,
            downtime=formats.duration(settled.down_ms),
            unknown=formats.duration(settled.unknown_ms) if settled.unknown_ms else "",
            credit=_worth(settled, formats),
            form=formats.words.gettext(settled.form.value),
            reference=entry.reference if entry else "",
            # Why a credit waited is between us and ourselves.
            reasons=tuple(
                sentences((s for s in settled.steps if not s.code.startswith("hold_")), formats)
            ),
            timeline=f"cid:{TIMELINE}",
            minor=settled.credit.minor,
            currency=settled.credit.currency,
        )


def _without_turns(fact: Any) -> Any:
    """Leave out the marks by which a name could turn the words around it."""
    match fact:
        case str():
            return fact.translate(_TURNS)
        case dict():
            return {name: _without_turns(value) for name, value in fact.items()}
        case list() | tuple():
            return [_without_turns(value) for value in fact]
    return fact


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)


def _worth(settled: Settled, formats: Formats) -> str:
    """Say what the customer gets, in whatever form."""
    parts: list[str] = []
    if settled.extension_days:
        parts.append(formats.pay(Pay(Unit.DAYS, settled.extension_days)))
    if settled.may_terminate:
        parts.append(formats.pay(TERMINATION))
    if settled.credit.minor or not parts:
        parts.insert(0, formats.money(settled.credit))
    return ", ".join(parts)
