"""How customers claim: what their links are signed with, and where they lead."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.urls import without_secrets
from sla_exporter.settings.config import ClaimAccess

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.settings.access import AccessReader
    from sla_exporter.settings.models import ConfigFile

_SHORTEST_KEY = 16


def read_claims(model: ConfigFile, access: AccessReader, catalogue: Catalogue) -> ClaimAccess:
    """Read what links are made of, and note what is missing where credits must be claimed."""
    found = ClaimAccess(
        keys=tuple(
            key
            for name in ("key", "old_key")
            if (key := access.secret(model.claims, name, ("claims",)))
        ),
        external_url=external_url(model.web.external_url, access),
    )
    if found.keys and len(found.keys[0]) < _SHORTEST_KEY:
        message = f"key: {len(found.keys[0])} characters are too few, {_SHORTEST_KEY} are needed"
        access.problems.append(access.document.problem(("claims",), message))
    _check_needed(model, found, access, catalogue)
    return found


def external_url(text: str | None, access: AccessReader) -> str:
    """Check the address under which browsers find us."""
    parts = urlsplit(text or "")
    if text and not (parts.scheme in {"http", "https"} and parts.netloc and not parts.query):
        message = f"external_url: {without_secrets(text)!r} is not an address as in https://sla.example.com"
        access.problems.append(access.document.problem(("web", "external_url"), message))
    return text or ""


def _check_needed(
    model: ConfigFile, found: ClaimAccess, access: AccessReader, catalogue: Catalogue
) -> None:
    named = sorted(_claimed(catalogue))
    if not named:
        return
    given = {
        "claims.key (or key_file)": bool(model.claims.key or model.claims.key_file),
        "web.external_url": bool(found.external_url),
    }
    missing = " and ".join(name for name, there in given.items() if not there)
    if missing:
        message = (
            f"credits of policy {named[0]!r} must be claimed by a link that customers are sent: "
            f"{missing} must be set for it"
        )
        place = ("policies", named[0])
        access.problems.append(access.document.problem(place, message))


def _claimed(catalogue: Catalogue) -> set[str]:
    """Give the policies in force whose credits customers must claim."""
    return {
        policy.name
        for contract in catalogue.contracts
        for policy in catalogue.policies[contract.policy]
        if policy.claim and (policy.mode or catalogue.mode) is not Mode.OBSERVE
    }
