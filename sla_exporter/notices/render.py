"""Rendering notices: a settlement in, a finished message out, the same one for the same input."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
    worth,
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
    from sla_exporter.notices.views import NoticePart

SUBJECT, TEXT, HTML = PARTS = ("subject.txt", "body.txt", "body.html")


class _Reader(NamedTuple):
    """Who a notice is for: by id, in which language, at which addresses."""

    customer: str
    locale: str
    recipients: tuple[str, ...]

    @classmethod
    def of(cls, customer: Customer) -> _Reader:
        return cls(customer.id, customer.locale, customer.email)


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
        self.company = company
        self._credit_notes = credit_notes
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}
        self._inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

    def render(
        self, settled: Settled, customer: Customer, entry: Entry | None, *, corrects: bool = False
    ) -> Notice:
        """Render the credit notice if there is an entry, and else the statement.

        One that ``corrects`` what the customer was told before has a kind of its own.
        """
        kind = "credit" if entry else "statement"
        if corrects:
            kind = "correction"
        again = f"/{settled.revision}" if settled.revision > 1 else ""
        notice = self.write_about(kind, f"{kind}/{settled.key}{again}", settled, customer, entry)
        if entry is None or self._credit_notes is None:
            return notice
        formats = self.formats(customer.locale)
        view = settled_view(settled, customer, entry, formats, self.company)
        note = self._credit_notes.write(view, entry, notice.pictures[TIMELINE], formats)
        return replace(notice, documents={f"{entry.reference}.pdf": note})

    def write_about(
        self,
        kind: str,
        key: str,
        settled: Settled,
        customer: Customer,
        entry: Entry | None = None,
        **more: NoticePart,
    ) -> Notice:
        """Write a notice of any kind about a settlement; templates see ``more`` in the notice."""
        view = settled_view(settled, customer, entry, self.formats(customer.locale), self.company)
        facts = asdict(view) | {name: asdict(part) for name, part in more.items()}
        pictures = {TIMELINE: timeline_png(settled.span, settled.windows, settled.zone)}
        return self._write(kind, key, _Reader.of(customer), facts, pictures)

    def render_outages(self, customer: Customer, outages: Sequence[Outage]) -> Notice:
        """Render that we saw these outages, and that they will count."""
        told = ",".join(f"{one.contract}@{one.window.start_ms}" for one in outages)
        view = outage_view(outages, customer, self.formats(customer.locale), self.company)
        key = f"outage/{customer.id}/{_short(told)}"
        return self._write("outage", key, _Reader.of(customer), asdict(view), {})

    def render_digest(self, notices: Sequence[Notice]) -> Notice:
        """Render several notices of one reader as one; each says what it would say by itself.

        The same notices always make the same digest, under the same key.
        """
        first, pictures = notices[0], dict[str, bytes]()
        sections: dict[str, list[str]] = {TEXT: [], HTML: []}
        for number, notice in enumerate(notices, 1):
            facts = _renumbered(notice.facts, notice.pictures, number)
            pictures |= {f"{name}-{number}": png for name, png in notice.pictures.items()}
            for part, found in sections.items():
                said = self._rendered(notice.kind, part, first.locale, notice=facts, alone=False)
                found.append(Markup(said) if part == HTML else said)  # noqa: S704 - escaped there
        reader = _Reader(first.customer, first.locale, first.recipients)
        view = digest_view(notices, self.formats(first.locale))
        key = f"digest/{first.customer}/{_short(','.join(one.key for one in notices))}"
        digest = self._write("digest", key, reader, asdict(view), pictures, sections=sections)
        documents = {name: one for notice in notices for name, one in notice.documents.items()}
        return replace(digest, documents=documents)

    def _write(
        self,
        kind: str,
        key: str,
        reader: _Reader,
        facts: dict[str, Any],
        pictures: Mapping[str, bytes],
        *,
        sections: Mapping[str, Sequence[str]] | None = None,
    ) -> Notice:
        """Put a notice together from what its three templates make of the facts."""
        facts, parts = without_turns(facts), sections or {}
        subject, text, html = (
            self._rendered(
                kind, part, reader.locale, notice=facts, alone=True, sections=parts.get(part, ())
            )
            for part in PARTS
        )
        return Notice(
            key=key,
            kind=kind,
            customer=reader.customer,
            locale=reader.locale,
            recipients=reader.recipients,
            subject=" ".join(subject.split()),
            text=text,
            html=self._inliner.inline(html),
            pictures=pictures,
            facts=facts,
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

    def render_page(self, template: str, view: object) -> str:
        """Render a page for the browser; all that it shows is in the view."""
        return self._environment("en").get_template(template).render(page=view)

    def worth(self, settled: Settled, locale: str) -> str:
        """Say what the customer gets, in their language."""
        return worth(settled, self.formats(locale))

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
