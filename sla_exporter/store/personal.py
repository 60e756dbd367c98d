"""What of a person lies in which table, and what erasing a customer does to it.

Every table has its entry here, and ``docs/security.md`` shows the same: a table that is added
without one fails a test.
"""

from __future__ import annotations

from typing import NamedTuple

KEPT = "kept"


class Handling(NamedTuple):
    """What a table holds of a person, and what becomes of it."""

    holds: str
    erasing: str = KEPT


_IDS = Handling("ids, times and amounts")
_MEASURED = Handling("labels and times of series")
_STAFF = Handling("names and words of your own staff", "kept: who decided what is evidence")
_NOTHING = Handling("nothing")

HANDLING = {
    "alembic_version": _NOTHING,
    "api_token": Handling("names that you gave to tokens"),
    "billing_check": _NOTHING,
    "billing_difference": Handling(
        "account ids and references of the billing system", "kept until it is read again"
    ),
    "claim": Handling(
        "the customer's id, or names of your own staff, and the ticket",
        "kept: what a credit rests on is evidence",
    ),
    "decision": _STAFF,
    "event_day": _MEASURED,
    "exclusion": _STAFF,
    "exclusion_withdrawal": _STAFF,
    "incident": Handling(
        "labels and annotations of alerts",
        "annotations go, of alerts that name the customer by a label or contract; labels stay",
    ),
    "incident_note": _STAFF,
    "lease": Handling("host names of replicas"),
    "ledger_balance": _IDS,
    "ledger_entry": Handling(
        "ids, times and amounts; names and words of your own staff",
        "kept: the chain of hashes would break",
    ),
    "notice": Handling(
        "names and addresses",
        "words, pictures, documents and addresses go; that and when one was sent stays",
    ),
    "notice_batch": _NOTHING,
    "notice_stop": _STAFF,
    "opinion": Handling("contract ids and times"),
    "outbox": Handling(
        "account ids of the billing system, and what sinks answered",
        "answers go, and notices that wait are withdrawn; accounts say where a credit stands",
    ),
    "partial_window": _MEASURED,
    "policy_source": _NOTHING,
    "repair_mark": _NOTHING,
    "series": _MEASURED,
    "series_window": _MEASURED,
    "settlement": _IDS,
    "settlement_case": Handling(
        "the customer's name, with all that the credit was computed from",
        "the name goes; the rest computes the same credit again",
    ),
    "settlement_revision": _IDS,
    "silence_version": _STAFF,
    "standing": _IDS,
    "standing_mark": _NOTHING,
    "told_outage": _IDS,
    "watermark": _NOTHING,
    "webhook_backlog": _NOTHING,
    "webhook_request": Handling(
        "alerts as they came, of many customers at once", "kept: the evidence behind the windows"
    ),
}
