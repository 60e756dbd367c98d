"""One-off exclusions that stand in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.exclusions import Scope, StatedExclusion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document
    from sla_exporter.settings.models import ExclusionModel


def read_exclusions(
    models: Sequence[ExclusionModel], document: Document, catalogue: Catalogue
) -> tuple[tuple[StatedExclusion, ...], list[Problem]]:
    """Give the exclusions, and what is wrong with them."""
    found: list[StatedExclusion] = []
    problems: list[Problem] = []
    for index, model in enumerate(models):
        at = ("exclusions", index)
        wrong = [*_problems(model, catalogue)]
        try:
            window = model.window.window(model.zone)
        except ValueError as error:
            wrong.append(("window", f"window: {error}"))
        problems.extend(document.problem((*at, key), said) for key, said in wrong)
        if not wrong:
            found.append(
                StatedExclusion(
                    key=f"configuration/{index + 1}",
                    scope=_scope(model),
                    window=window,
                    kind=model.kind,
                    announced_at_ms=model.announced.at_ms(model.zone) if model.announced else None,
                    who="configuration",
                    why=model.why,
                )
            )
    return tuple(found), problems


def _scope(model: ExclusionModel) -> Scope:
    return Scope(service=model.service, contract=model.contract, matchers=model.matchers)


def _problems(model: ExclusionModel, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    if _scope(model).is_empty:
        yield "window", "name a service, a contract or matchers; nothing is excluded for all"
    if model.service is not None and model.service not in catalogue.services:
        there = ", ".join(sorted(catalogue.services))
        yield "service", f"there is no service {model.service!r}; there are: {there}"
    if model.contract is not None and not catalogue.knows(model.contract):
        yield "contract", f"there is no contract and no customer {model.contract!r}"
