"""Rendering notices: a settlement in, a finished message out, the same one for the same input."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import css_inline
from babel import Locale
from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from sla_exporter import resources
from sla_exporter.notices.formats import Formats
from sla_exporter.notices.languages import translations
from sla_exporter.notices.timeline import timeline_png
from sla_exporter.notices.views import (
    TIMELINE,
    digest_view,
    outage_view,
    settled_view,
    without_turns,
)
from sla_exporter.ports.settling import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.outages import Outage
    from sla_exporter.core.settled import Settled
    from sla_exporter.notices.credit_note import CreditNotes
    from sla_exporter.notices.terms import Terms
    from sla_exporter.notices.views import NoticeView

PARTS = ("subject.txt", "body.txt", "body.html")


class JinjaRenderer:
    """Renders from templates: the operator's folder first, then our own."""

    def __init__(
        self,
        company: str,
        operators_folder: Path | None = None,
        *,
        credit_notes: CreditNotes | None = None,
    ) -> None:
        own = resources.folder("templates")
        self.folders = (operators_folder, own) if operators_folder else (own,)
        self._company = company
        self._credit_notes = credit_notes
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
        formats = self.formats(customer.locale)
        view = settled_view(settled, customer, entry, formats, self._company)
        notice = self.write(kind, f"{kind}/{settled.key}{again}", customer, view, pictures)
        if entry is None or self._credit_notes is None:
            return notice
        note = self._credit_notes.write(view, entry, pictures[TIMELINE], formats)
        return replace(notice, documents={f"{entry.reference}.pdf": note})

    def write(
        self,
        kind: str,
        key: str,
        customer: Customer,
        view: NoticeView,
        pictures: Mapping[str, bytes] | None = None,
    ) -> Notice:
        """Write the notice of any kind: what its three templates make of the view."""
        facts = without_turns(asdict(view))
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

    def render_outages(self, customer: Customer, outages: Sequence[Outage]) -> Notice:
        """Render that we saw these outages, and that they will count."""
        told = ",".join(f"{one.contract}@{one.window.start_ms}" for one in outages)
        view = outage_view(outages, customer, self.formats(customer.locale), self._company)
        return self.write("outage", f"outage/{customer.id}/{_short(told)}", customer, view)

    def render_digest(self, notices: Sequence[Notice]) -> Notice:
        """Render several notices of one reader as one; each says what it would say by itself.

        The same notices always make the same digest, under the same key.
        """
        first = notices[0]
        view = asdict(digest_view(notices, self.formats(first.locale)))
        pictures: dict[str, bytes] = {}
        sections: dict[str, list[str]] = {part: [] for part in PARTS}
        for number, notice in enumerate(notices, 1):
            facts = _renumbered(notice.facts, notice.pictures, number)
            pictures |= {f"{name}-{number}": png for name, png in notice.pictures.items()}
            for part in PARTS:
                said = self._rendered(notice.kind, part, first.locale, notice=facts, alone=False)
                sections[part].append(Markup(said) if part.endswith(".html") else said)  # noqa: S704 - made of escaped parts
        subject, text, html = (
            self._rendered(
                "digest", part, first.locale, notice=view, alone=True, sections=sections[part]
            )
            for part in PARTS
        )
        return Notice(
            key=f"digest/{first.customer}/{_short(','.join(one.key for one in notices))}",
            kind="digest",
            customer=first.customer,
            locale=first.locale,
            recipients=first.recipients,
            subject=" ".join(subject.split()),
            text=text,
            html=self._inliner.inline(html),
            pictures=pictures,
            facts=view,
            documents={name: one for n in notices for name, one in n.documents.items()},
        )

    def _rendered(self, kind: str, part: str, locale: str, **given: Any) -> str:
        template = self._environment(locale).get_template(f"notices/{kind}/{part}")
        return template.render(**given)

    def render_terms(self, terms: Terms, suffix: str) -> str:
        """Render terms of service as ``txt``, ``md`` or ``html``."""
        environment = self._environment("en")
        return environment.get_template(f"terms/terms.{suffix}").render(terms=terms)

    def path_of(self, template: str) -> Path:
        """Say which file a template is read from."""
        paths = (folder / template for folder in self.folders)
        return next(path for path in paths if path.is_file())

    def formats(self, locale: str) -> Formats:
        """Give the formats of a locale, with its translations."""
        return Formats(Locale.parse(locale), translations(locale, self.folders))

    def _environment(self, locale: str) -> ImmutableSandboxedEnvironment:
        if locale not in self._environments:
            environment = ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(self.folders),
                autoescape=select_autoescape(["html"]),
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
                keep_trailing_newline=True,
                extensions=["jinja2.ext.i18n"],
            )
            environment.filters["markdown"] = _escape_markdown
            words = translations(locale, self.folders)
            environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
            self._environments[locale] = environment
        return self._environments[locale]


def _short(names: str) -> str:
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def _renumbered(
    facts: Mapping[str, Any], pictures: Mapping[str, bytes], number: int
) -> dict[str, Any]:
    """Give pictures names of their own among those of several notices."""
    names = {f"cid:{name}": f"cid:{name}-{number}" for name in pictures}
    return {k: names.get(v, v) if isinstance(v, str) else v for k, v in facts.items()}


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)
