"""Everything that this program raises on purpose.

::

    SlaExporterError
    ├── ConfigInvalid          the operator's files: a list of problems, each with its place
    ├── SourceError            Prometheus did not give a usable answer
    │   ├── SourceUnavailable    not now; the same query may work later
    │   ├── QueryTooLarge        the server's limits; a smaller query may work
    │   ├── QueryRejected        the query is wrong; a person must mend it
    │   └── AnswerIncomplete     the answer came with warnings, so something may be missing
    ├── StoreUnavailable       the database cannot take or give data now
    ├── StoreTooNew            a newer version changed the database; this one must not touch it
    ├── UnknownName            somebody asked for what is not there
    ├── NotPossible            what a person asked for cannot be done; the sentence says why
    ├── BooksMoved             the ledger changed while entries for it were made; make them anew
    ├── DecisionRefused        what a person asked for may not be done so
    ├── LeaseLost              another replica runs the jobs now, so this one must not write
    ├── NotReady               the step cannot be done yet; the sentence says what is missing
    └── DeliveryError          a sink did not take a delivery
        ├── DeliveryRefused      for good; trying again cannot help
        ├── DeliveryDelayed      it was not taken; try again later
        │   └── DeliveryWaits      its time has not come yet; this is no failure
        └── OutcomeUnknown       it may have been taken: look before trying again

Expected trouble in the operator's data is a value (:class:`sla_exporter.core.problems.Problem`);
these are for what stops a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.urls import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.problems import Problem


class SlaExporterError(Exception):
    """The root; its text is a sentence for a person."""

    reason = "other"
    """The kind of trouble in a word, for metrics."""


class ConfigInvalid(SlaExporterError):
    """The configuration cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class UnknownName(SlaExporterError):
    """What was asked for by name is not there."""


class SourceError(SlaExporterError):
    """Prometheus did not give a usable answer."""

    def __init__(self, sentence: str) -> None:
        super().__init__(without_secrets(sentence))  # it names the URL that was asked


class SourceUnavailable(SourceError):
    """Prometheus cannot be reached or is not ready."""

    reason = "unavailable"


class QueryTooLarge(SourceError):
    """The query exceeds a limit of the server."""

    reason = "too_large"


class QueryRejected(SourceError):
    """Prometheus says that the query is wrong."""

    reason = "rejected"


class AnswerIncomplete(SourceError):
    """The answer carries warnings, as partial answers of Thanos and Mimir do."""

    reason = "incomplete"


class StoreUnavailable(SlaExporterError):
    """The database is locked, full, read-only or away."""

    reason = "store"


class StoreTooNew(SlaExporterError):
    """The database was changed by a newer version in more than additions."""

    reason = "store"


class NotPossible(SlaExporterError):
    """What a person asked for cannot be done."""


class BooksMoved(SlaExporterError):
    """The ledger changed while entries for it were made."""


class DecisionRefused(SlaExporterError):
    """What a person asked for may not be done, or not by one person alone."""


class LeaseLost(SlaExporterError):
    """Another replica holds the lease for the jobs."""


class NotReady(SlaExporterError):
    """The step cannot be done yet."""

    reason = "not_ready"


class DeliveryError(SlaExporterError):
    """A sink did not take a delivery."""


class DeliveryRefused(DeliveryError):
    """The sink refuses the delivery for good."""


class DeliveryDelayed(DeliveryError):
    """The sink did not take the delivery, and may do so later."""

    def __init__(self, sentence: str, after_ms: int | None = None) -> None:
        self.after_ms = after_ms
        super().__init__(sentence)


class DeliveryWaits(DeliveryDelayed):
    """The delivery can only be made later; waiting is not counted as a try."""


class OutcomeUnknown(DeliveryError):
    """The delivery may have been made, and may not have been."""

    """The sink cannot take the delivery now."""


REASONS = ("incomplete", "not_ready", "other", "rejected", "store", "too_large", "unavailable")
"""What ``reason`` can be of an error that stops the observing of a service."""
