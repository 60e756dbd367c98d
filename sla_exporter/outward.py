"""What goes out, wired: sinks, deliveries, and who writes notices to whom."""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, cast

from sla_exporter.core.policy.terms import Form
from sla_exporter.flow.acknowledge import Acknowledger
from sla_exporter.flow.deliver import Deliverer
from sla_exporter.flow.gather import Gatherer
from sla_exporter.flow.readback import Reader
from sla_exporter.notices.credit_note import CreditNotes
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports import silent
from sla_exporter.ports.delivery import Sinks
from sla_exporter.ports.notices import Pace
from sla_exporter.ports.settling import Routes
from sla_exporter.sinks.email import EmailSink
from sla_exporter.sinks.file import FileSink
from sla_exporter.sinks.registry import build_sink, sink_kinds
from sla_exporter.sinks.whmcs import WhmcsSection
from sla_exporter.sinks.whmcs_catalogue import WhmcsCatalogue
from sla_exporter.sinks.whmcs_notices import WhmcsNotices
from sla_exporter.store.billing import DatabaseBillingChecks
from sla_exporter.store.digests import Digests
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.told import DatabaseToldOutages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.ledger import Entry
    from sla_exporter.flow.deliver import DeliveryVerdict
    from sla_exporter.ports import Clock, Progress
    from sla_exporter.ports.delivery import BillingSink, NoticeSink
    from sla_exporter.settings import Config
    from sla_exporter.settings.config import MailAccess
    from sla_exporter.store.engine import Database

FILE, EMAIL = "file", "email"


def sinks_of(config: Config, clock: Clock) -> Sinks:
    """Build every sink that the configuration has; nothing connects before it is used."""
    file = FileSink(folder=config.notices.folder, clock=clock)
    notices: dict[str, NoticeSink] = {FILE: file}
    if config.mail:
        notices[EMAIL] = _email(config.mail, clock)
    through = config.notices.through
    if through:
        section = cast(WhmcsSection, config.billing[through].section)
        account_of = partial(_account, _customers(config), through)
        notices[through] = WhmcsNotices(through, section, account_of, config.allow_private)
    billing: dict[str, BillingSink] = {FILE: file}
    for name, access in config.billing.items():
        billing[name] = build_sink(access.kind, name, access.section, clock, config.allow_private)
    return Sinks(notices=notices, billing=billing)


def billing_forms(config: Config) -> dict[str, frozenset[Form]]:
    """Say what forms each billing sink can give."""
    kinds = sink_kinds()
    forms = {name: kinds[access.kind].forms for name, access in config.billing.items()}
    return {FILE: frozenset(Form), **forms}


def account_finder(config: Config) -> Callable[[str, Entry], str | None]:
    """Give what finds the account that an entry's customer has in a billing sink."""
    customers = _customers(config)

    def find(sink: str, entry: Entry) -> str | None:
        account = _account(customers, sink, entry.customer)
        return account or (entry.customer if sink == FILE else None)

    return find


def _customers(config: Config) -> dict[str, Customer]:
    return {contract.customer.id: contract.customer for contract in config.catalogue.contracts}


def _account(customers: Mapping[str, Customer], sink: str, customer: str) -> str | None:
    found = customers.get(customer)
    return found.billing.get(sink) if found else None


def deliverer_of(
    config: Config,
    database: Database,
    sinks: Sinks,
    clock: Clock,
    count: Callable[[str, DeliveryVerdict], None],
) -> Deliverer:
    """Wire what empties the outbox into the sinks."""
    return Deliverer(
        outbox=DatabaseOutbox(database),
        sinks=sinks,
        clock=clock,
        owner=f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        count=count,
        account_of=account_finder(config),
        paces=paces_of(config),
    )


def notice_sink_of(config: Config) -> str:
    """Name the sink that notices go to."""
    return config.notices.through or (EMAIL if config.mail else FILE)


def paces_of(config: Config) -> dict[str, Pace]:
    """Say how fast notices go out."""
    sink, notices = notice_sink_of(config), config.notices
    per_hour = config.mail.per_hour if config.mail and sink == EMAIL else None
    if per_hour is None and notices.first is None:
        return {}
    return {sink: Pace(per_hour=per_hour, first=notices.first, wait_ms=notices.wait_ms)}


def routes_of(config: Config) -> Routes:
    """Say which sink takes what."""
    notices = config.notices
    counted = Counter(contract.customer.id for contract in config.catalogue.contracts)
    return Routes(
        notices=notice_sink_of(config),
        credits=FILE,
        statements=notices.statements,
        billing=billing_forms(config),
        hold=notices.hold,
        gather_ms=notices.gather_ms,
        several=frozenset(name for name, contracts in counted.items() if contracts > 1),
    )


def renderer_of(config: Config) -> JinjaRenderer:
    """Build what writes notices."""
    notices = config.notices
    notes = CreditNotes(notices.credit_note_font) if notices.credit_note else None
    return JinjaRenderer(notices.company, notices.templates, credit_notes=notes)


def gatherer_of(config: Config, database: Database) -> Gatherer:
    """Wire what makes digests."""
    return Gatherer(
        store=Digests(database),
        renderer=renderer_of(config),
        kinds=frozenset(name for name, kind in KINDS.items() if kind.gathers),
        gather_ms=config.notices.gather_ms,
    )


def acknowledger_of(config: Config, database: Database) -> Acknowledger | None:
    """Wire what tells of outages while they happen, if that is wanted."""
    wanted = config.notices.outages
    if wanted is None:
        return None
    return Acknowledger(
        told=DatabaseToldOutages(database),
        renderer=renderer_of(config),
        routes=routes_of(config),
        after_ms=wanted.after_ms,
        pause_ms=wanted.pause_ms,
    )


def reader_of(
    config: Config, database: Database, sinks: Sinks, clock: Clock, progress: Progress = silent
) -> Reader:
    """Wire what compares billing systems with the ledger."""
    accounts: dict[str, set[str]] = {}
    for contract in config.catalogue.contracts:
        for sink, account in contract.customer.billing.items():
            accounts.setdefault(sink, set()).add(account)
    return Reader(
        checks=DatabaseBillingChecks(database),
        sinks={name: sink for name, sink in sinks.billing.items() if name != FILE},
        accounts=accounts,
        clock=clock,
        progress=progress,
    )


def whmcs_catalogue_of(config: Config, sink: str) -> WhmcsCatalogue:
    """Build what reads clients and services from the WHMCS of a billing sink."""
    section = cast(WhmcsSection, config.billing[sink].section)
    return WhmcsCatalogue(sink, section, config.allow_private)


def _email(mail: MailAccess, clock: Clock) -> EmailSink:
    return EmailSink(
        clock=clock,
        host=mail.host,
        port=mail.port,
        security=mail.security,
        sender=mail.sender,
        username=mail.username,
        password=mail.password,
        reply_to=mail.reply_to,
    )
