"""The billing sinks of the configuration, and whether they can give what policies promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from sla_exporter.core.problems import Problem
from sla_exporter.settings.config import BillingAccess
from sla_exporter.settings.sentences import problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue, Contract
    from sla_exporter.core.problems import Place
    from sla_exporter.ports.delivery import SinkKind
    from sla_exporter.settings.document import Document, Key

EVERYTHING = "file"  # the sink that is always there and takes every form


class BillingReader:
    """Reads ``billing``, and collects the problems in it."""

    def __init__(
        self,
        kinds: Mapping[str, SinkKind],
        document: Document,
        read_secret: Callable[[str, Sequence[Key]], str | None],
    ) -> None:
        self.problems: list[Problem] = []
        self._kinds = kinds
        self._document = document
        self._read_secret = read_secret

    def read(self, sections: Mapping[str, Mapping[str, Any]]) -> dict[str, BillingAccess]:
        """Give the sinks that are well described, by name."""
        found = {name: self._sink(name, given) for name, given in sections.items()}
        return {name: access for name, access in found.items() if access}

    def check_forms(
        self,
        sinks: Mapping[str, BillingAccess],
        catalogue: Catalogue,
        place_of: Callable[[str], Place],
    ) -> None:
        """Note whose credits would come in a form that none of their billing sinks can give."""
        for contract in catalogue.contracts:
            names = [name for name in contract.customer.billing if name in sinks]
            if not names or EVERYTHING in contract.customer.billing:
                continue
            able = set().union(*(self._kinds[sinks[name].kind].forms for name in names))
            for form in sorted(_forms(catalogue, contract) - able):
                message = (
                    f"policy {contract.policy!r} of contract {contract.id!r} gives the form "
                    f"{str(form)!r}, which {' and '.join(names)} cannot; add a sink that can, "
                    f"or {EVERYTHING!r} to have such credits written as files"
                )
                self.problems.append(Problem(place_of(contract.customer.id), message))

    def _sink(self, name: str, given: Mapping[str, Any]) -> BillingAccess | None:
        at = ("billing", name)
        kind = str(given.get("type", name))
        if kind not in self._kinds or name in {EVERYTHING, "email"}:
            there = ", ".join(sorted(self._kinds)) or "none"
            message = f"there is no kind of billing sink {kind!r}; there are: {there}"
            self.problems.append(self._document.problem(at, message))
            return None
        model = self._kinds[kind].section
        secrets = [n for n, field in model.model_fields.items() if _is_secret(field.annotation)]
        values = dict(self._with_secrets(given, secrets, at))
        try:
            section = model.model_validate(values)
        except ValidationError as error:
            self.problems.extend(problems_of(error, self._document, model, at))
            return None
        return BillingAccess(name=name, kind=kind, section=section)

    def _with_secrets(
        self, given: Mapping[str, Any], secrets: Sequence[str], at: Sequence[Key]
    ) -> Iterator[tuple[str, Any]]:
        """Put what the ``*_file`` keys name in the place of the secrets."""
        for key, value in given.items():
            secret = key.removesuffix("_file")
            if key == "type":
                continue
            if secret == key or secret not in secrets:
                yield key, value
                continue
            if secret in given:
                message = f"give either {secret} or {key}, not both"
                self.problems.append(self._document.problem((*at, key), message))
            # What cannot be read is a problem that is noted where it is read.
            yield secret, self._read_secret(str(value), (*at, key)) or "unreadable"


def _is_secret(annotation: Any) -> bool:
    return "SecretStr" in str(annotation) or annotation is SecretStr


def _forms(catalogue: Catalogue, contract: Contract) -> set[str]:
    return {policy.form for policy in catalogue.policies[contract.policy]}
