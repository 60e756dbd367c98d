"""Files with policies, and the versions of one name in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter import resources
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.document import Document, read_file
from sla_exporter.settings.models import ConfigFile, PoliciesFile
from sla_exporter.settings.policy import read_undecided, to_policy
from sla_exporter.settings.sentences import validated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.problems import Place, Problem
    from sla_exporter.settings.document import Key
    from sla_exporter.settings.models import PolicyVersions


_OF_CONFIGURATIONS = ConfigFile.model_fields.keys() - {"policies"}


def find_policy_file(name: str, beside: Path) -> Path | None:
    """Find a file of policies: beside the configuration, or among the ready ones."""
    for folder in (beside, resources.folder("rules") / "policies"):
        if (folder / name).is_file():
            return folder / name
    return None


def policy_files_of(path: Path) -> Iterator[Path]:
    """Give the files that the policies of a configuration stand in: itself, and those it names."""
    yield path
    named = read_file(path).value.get("policy_files", [])
    for name in [named] if isinstance(named, str) else named:
        found = find_policy_file(name, path.parent)
        if found:
            yield found


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The versions of one policy, and the document that they stand in."""

    policies: tuple[Policy, ...]
    document: Document

    def place(self, version: int, path: Sequence[Key] = ()) -> Place:
        """Say where a part of a version stands."""
        at: tuple[Key, ...] = ("policies", self.policies[0].name)
        if isinstance(self.document.key_at(at), list):
            at = (*at, version)
        return self.document.place((*at, *path))


def load_policies(path: Path) -> dict[str, PolicyFile]:
    """Read the policies of a file: one with only policies in it, or a whole configuration.

    Raises:
        ConfigInvalid: with everything that is wrong in them.
    """
    document = read_file(path)
    value = document.value
    if isinstance(value, dict):
        value = {key: part for key, part in value.items() if key not in _OF_CONFIGURATIONS}
    model, problems = validated(document, PoliciesFile, value or {})
    found: dict[str, PolicyFile] = {}
    for name, versions in model.policies.items() if model else ():
        policies, wrong = read_policies(name, versions, document)
        problems.extend(wrong)
        found[name] = PolicyFile(policies, document)
    if problems:
        raise ConfigInvalid(problems)
    return found


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
