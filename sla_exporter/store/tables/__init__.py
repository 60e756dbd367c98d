"""The tables. Storage only: what is valid is decided before it gets here.

Time is integer milliseconds, money integer minor units, everywhere. Names of constraints follow a
convention, so that migrations can name them on both databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import SQLModel

from sla_exporter.store.tables.booked import BalanceRow, LedgerRow
from sla_exporter.store.tables.measured import (
    EventDayRow,
    PartialRow,
    SeriesRow,
    WatermarkRow,
    WindowRow,
)
from sla_exporter.store.tables.running import LeaseRow, TokenRow
from sla_exporter.store.tables.sent import (
    BillingCheckRow,
    BillingDifferenceRow,
    NoticeBatchRow,
    NoticeRow,
    NoticeStopRow,
    OrderRow,
    ToldOutageRow,
)
from sla_exporter.store.tables.settled import (
    CaseRow,
    ClaimRow,
    DecisionRow,
    PolicySourceRow,
    RevisionRow,
    SettlementRow,
    StandingMarkRow,
    StandingRow,
)
from sla_exporter.store.tables.told import (
    ExclusionRow,
    IncidentNoteRow,
    IncidentRow,
    OpinionRow,
    RepairMarkRow,
    SilenceRow,
    WebhookBacklogRow,
    WebhookRequestRow,
    WithdrawalRow,
)

if TYPE_CHECKING:
    from sqlalchemy import Table


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


# Statements are written against these: they are typed, and what they touch is plain to see.
watermark = _table(WatermarkRow)
series = _table(SeriesRow)
series_window = _table(WindowRow)
event_day = _table(EventDayRow)
partial_window = _table(PartialRow)
incident = _table(IncidentRow)
incident_note = _table(IncidentNoteRow)
repair_mark = _table(RepairMarkRow)
exclusion = _table(ExclusionRow)
exclusion_withdrawal = _table(WithdrawalRow)
silence_version = _table(SilenceRow)
opinion = _table(OpinionRow)
webhook_request = _table(WebhookRequestRow)
webhook_backlog = _table(WebhookBacklogRow)
settlement = _table(SettlementRow)
settlement_revision = _table(RevisionRow)
settlement_case = _table(CaseRow)
policy_source = _table(PolicySourceRow)
decision = _table(DecisionRow)
claim = _table(ClaimRow)
ledger_balance = _table(BalanceRow)
api_token = _table(TokenRow)
standing = _table(StandingRow)
standing_mark = _table(StandingMarkRow)
ledger_entry = _table(LedgerRow)
notice = _table(NoticeRow)
outbox = _table(OrderRow)
told_outage = _table(ToldOutageRow)
notice_stop = _table(NoticeStopRow)
notice_batch = _table(NoticeBatchRow)
billing_check = _table(BillingCheckRow)
billing_difference = _table(BillingDifferenceRow)
lease = _table(LeaseRow)
