"""Files with policies: versions of one name, and the amounts of money that a policy names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sla_exporter import resources
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.terms import Combination, Component, Credit, Policy
from sla_exporter.settings.policy import read_undecided, to_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document
    from sla_exporter.settings.models import PolicyVersions


def find_policy_file(name: str, beside: Path) -> Path | None:
    """Find a file of policies: beside the configuration, or among the ready ones."""
    for folder in (beside, resources.folder("rules") / "policies"):
        if (folder / name).is_file():
            return folder / name
    return None


def read_policies(
    name: str, versions: PolicyVersions, document: Document
) -> tuple[tuple[Policy, ...], list[Problem]]:
    """Give all versions of a policy, and the problems that only show between its parts."""
    problems: list[Problem] = []
    found: list[Policy] = []
    listed = isinstance(document.key_at(("policies", name)), list)
    for index, model in enumerate(versions):
        at = ("policies", name, index) if listed else ("policies", name)
        policy = to_policy(name, model)
        undecided, wrong = read_undecided(name, model, document, at)
        problems.extend(wrong)
        source = document.key_at(at)
        found.append(replace(policy, undecided=tuple(undecided), source=source))
    problems.extend(_check_versions(name, found, document))
    return tuple(found), problems


def currencies_of(policy: Policy) -> set[str]:
    """Give the currencies of the amounts that a policy names."""
    found = {pay.currency for pay in pays_of(policy) if pay.unit is Unit.MONEY}
    return found | ({policy.minimum.money.currency} if policy.minimum else set())


def pays_of(policy: Policy) -> Iterator[Pay]:
    """Give every amount that a policy may pay, and its caps."""
    yield from _pays_in(policy.credit)
    yield from (cap.limit for cap in policy.caps)


def _pays_in(credit: Credit) -> Iterator[Pay]:
    if isinstance(credit, Combination):
        for part in credit.parts:
            yield from _pays_in(part)
    elif isinstance(credit, Component):
        formula = credit.formula
        for row in getattr(formula, "rows", ()):
            yield row.pays
        pays = getattr(formula, "pays", None)
        if isinstance(pays, Pay):
            yield pays


def _check_versions(name: str, versions: Sequence[Policy], document: Document) -> Iterator[Problem]:
    days = [version.effective_from for version in versions]
    at = ("policies", name)
    if len(versions) > 1 and None in days[1:]:
        yield document.problem(
            at, f"policy {name!r}: every version but the first needs effective_from"
        )
    known = [day for day in days if day]
    if len(set(known)) != len(known):
        yield document.problem(at, f"policy {name!r}: two versions take effect on the same day")
