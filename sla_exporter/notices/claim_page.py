"""The small page on which customers claim a credit, in their language, for every case there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.settlement import State
from sla_exporter.notices.reasons import N_

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.settled import Settled
    from sla_exporter.notices.formats import Formats
    from sla_exporter.notices.render import JinjaRenderer

_MOST_OUTAGES = 20


class Page(StrEnum):
    """Which page it is."""

    OFFER = "offer"
    DONE = "done"
    CHECKED = "checked"
    LATE = "late"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    BUSY = "busy"


TITLES = {
    Page.OFFER: N_("Claim %(credit)s"),
    Page.DONE: N_("Thank you: your claim is done"),
    Page.CHECKED: N_("Thank you: we have your claim"),
    Page.LATE: N_("It is too late to claim this"),
    Page.REFUSED: N_("There is nothing to claim here"),
    Page.SUPERSEDED: N_("There is a newer message about this"),
    Page.EXPIRED: N_("This link has expired"),
    Page.UNKNOWN: N_("This link is not valid"),
    Page.BUSY: N_("Please try again in a moment"),
}
TEXTS = {
    Page.OFFER: N_(
        "In %(period)s, %(service)s was available for less time than we promise you. We are sorry. "
        "Under your contract you are entitled to %(credit)s, on request."
    ),
    Page.DONE: N_(
        "You have %(credit)s for %(service)s in %(period)s. You need not do anything else; we have "
        "sent you a message with the details."
    ),
    Page.CHECKED: N_(
        "Your claim for %(service)s in %(period)s is being looked at. We will write to you."
    ),
    Page.LATE: N_(
        "The credit for %(service)s in %(period)s had to be claimed before %(until)s "
        "(%(zone)s). If you think that this is wrong, please write to us."
    ),
    Page.REFUSED: N_(
        "No credit is given for %(service)s in %(period)s. If you think that this is wrong, please "
        "write to us."
    ),
    Page.SUPERSEDED: N_("Please use the link in the latest message that we sent you."),
    Page.EXPIRED: N_("Please write to us if you still want to claim a credit."),
    Page.UNKNOWN: N_(
        "Perhaps it was cut off. Please copy all of it from our message, or write to us."
    ),
    Page.BUSY: N_("Nothing was lost, and nothing was claimed yet."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything that the template shows; all of it is text in the customer's language."""

    language: str
    company: str
    title: str
    text: str
    figures: tuple[tuple[str, str], ...] = ()
    outages_title: str = ""
    outages: tuple[str, ...] = ()
    button: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPage:
    """Writes the page."""

    renderer: JinjaRenderer

    def of(self, page: Page, settled: Settled, customer: Customer) -> str:
        """Write a page about a settlement, for its own customer."""
        formats = self.renderer.formats(customer.locale)
        until_ms = settled.claim_until_ms
        facts = {
            "credit": self.renderer.worth(settled, customer.locale),
            "period": formats.period(settled.period, settled.span, settled.zone),
            "service": settled.service,
            "until": "" if until_ms is None else formats.moment(until_ms, settled.zone),
            "zone": settled.zone,
        }
        view = PageView(
            language=customer.locale.replace("_", "-"),
            company=self.renderer.company,
            title=formats.say(TITLES[page], **facts),
            text=formats.say(TEXTS[page], **facts),
            figures=_figures(settled, customer, facts, formats) if page in _DETAILED else (),
        )
        if page is Page.OFFER:
            view = _offered(view, settled, facts, formats)
        return self.renderer.render_page("web/claim.html", view)

    def plain(self, page: Page) -> str:
        """Write a page for whoever we do not know."""
        formats = self.renderer.formats("en")
        view = PageView(
            language="en",
            company=self.renderer.company,
            title=formats.say(TITLES[page]),
            text=formats.say(TEXTS[page]),
        )
        return self.renderer.render_page("web/claim.html", view)


def page_of(settled: Settled, revision: int, now_ms: int) -> Page:
    """Choose the page for a link of this revision, from how the settlement stands."""
    if settled.revision != revision:
        return Page.SUPERSEDED
    match settled.state:
        case State.WAITING:
            return Page.LATE if settled.is_late_at(now_ms) else Page.OFFER
        case State.POSTED:
            return Page.DONE
        case State.LAPSED:
            return Page.LATE
        case State.HELD:
            return Page.CHECKED
    return Page.REFUSED


_DETAILED = {Page.OFFER, Page.DONE, Page.CHECKED}


def _figures(
    settled: Settled, customer: Customer, facts: dict[str, str], formats: Formats
) -> tuple[tuple[str, str], ...]:
    ratio = settled.ratio
    return (
        (formats.say("Customer"), customer.name),
        (formats.say("Contract"), settled.contract),
        (formats.say("Period"), facts["period"]),
        (formats.say("Availability"), "?" if ratio is None else formats.percent(ratio)),
        (formats.say("Downtime"), formats.duration(settled.down_ms)),
        (formats.say("Credit"), facts["credit"]),
    )


def _offered(view: PageView, settled: Settled, facts: dict[str, str], formats: Formats) -> PageView:
    """Add what only the page with the button has."""
    down = settled.windows.down
    outages = [
        formats.say(
            "%(start)s to %(end)s: %(length)s",
            start=formats.moment(start, settled.zone),
            end=formats.moment(end, settled.zone),
            length=formats.duration(end - start),
        )
        for start, end in down[:_MOST_OUTAGES]
    ]
    more = len(down) - _MOST_OUTAGES
    if more > 0:
        text = formats.words.ngettext("... and %(num)d more.", "... and %(num)d more.", more)
        outages.append(text % {"num": more})
    deadline = (formats.say("To be claimed"), formats.say("before %(until)s (%(zone)s)", **facts))
    return replace(
        view,
        figures=(*view.figures, deadline) if facts["until"] else view.figures,
        outages_title=formats.say("Outages"),
        outages=tuple(outages),
        button=formats.say("Claim %(credit)s", **facts),
        note=formats.say(
            "This link needs no login: whoever has it can claim this credit for you, once, and "
            "nothing else."
        ),
    )
