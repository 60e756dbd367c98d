"""Loading: files become one frozen configuration, or a list of everything that is wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from sla_exporter.core.repairs import Relabelling
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.access import AccessReader, beside
from sla_exporter.settings.billing import BillingReader
from sla_exporter.settings.claims import read_claims
from sla_exporter.settings.config import (
    BillingAccess,
    CatalogueImport,
    Config,
    Schedule,
)
from sla_exporter.settings.customers import read_customers
from sla_exporter.settings.document import Document, read_file
from sla_exporter.settings.exclusions import read_exclusions
from sla_exporter.settings.masking import shown
from sla_exporter.settings.models import ConfigFile, CustomersFile, PoliciesFile
from sla_exporter.settings.notices import check_notices, read_notices
from sla_exporter.settings.policies import find_policy_file
from sla_exporter.settings.promises import PromiseBuilder
from sla_exporter.settings.sentences import validated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.problems import Problem
    from sla_exporter.ports.delivery import SinkKind
    from sla_exporter.settings.document import Key

M = TypeVar("M", bound=BaseModel)


def load_config(path: Path, kinds: Mapping[str, SinkKind] | None = None) -> Config:
    """Read the configuration file and every file that it names.

    ``kinds`` are the kinds of billing sinks that there are, by name.

    Raises:
        ConfigInvalid: with all problems found, each with its file and line.
    """
    loader = _Loader(path, kinds or {})
    config = loader.load()
    if loader.problems or config is None:
        raise ConfigInvalid(loader.problems)
    return config


@dataclass(slots=True)
class _Loader:
    """Collects problems while it reads; a configuration comes out only if there are none."""

    path: Path
    kinds: Mapping[str, SinkKind]
    problems: list[Problem] = field(default_factory=list)
    document: Document = field(default_factory=lambda: Document(file=""))

    def load(self) -> Config | None:
        self.document = read_file(self.path)
        model = self.validate(self.document, ConfigFile)
        if model is None:
            return None
        promises = PromiseBuilder(model, self.document)
        promises.add_policies(model.policies, self.document)
        for index, name in enumerate(model.policy_files):
            self._add_policies(promises, name, ("policy_files", index))
        for index, customer in enumerate(model.customers):
            promises.add(customer, self.document, ("customers", index))
        for index, name in enumerate(model.customer_files):
            self._add_file(promises, name, ("customer_files", index))
        imports = self._imports(model)
        for one in imports:
            if one.file.exists():  # it is written by the first sync
                self._add_customers(promises, one.file)
        self.problems.extend(promises.problems)
        catalogue = promises.catalogue()
        exclusions, wrong = read_exclusions(model.exclusions, self.document, catalogue)
        self.problems.extend(wrong)
        if model.maintenance.silences and model.alertmanager.url is None:
            message = "silences: they are read from Alertmanager, so alertmanager.url is needed"
            self.problems.append(self.document.problem(("maintenance", "silences"), message))
        self.problems.extend(check_notices(model.notices, self.path, model.billing, self.document))
        known = {name for c in catalogue.contracts for name in (c.id, c.customer.id)}
        access = AccessReader(self.path, self.document, self.problems)
        return Config(
            file=self.path,
            prometheus=access.prometheus(model.prometheus),
            alertmanager=access.alertmanager(model.alertmanager),
            relabelling=Relabelling(
                added=model.prometheus.external_labels,
                dropped=frozenset(model.alertmanager.dropped_labels),
            ),
            opinions={
                name: access.opinion(service.corroborate, ("services", name, "corroborate"), known)
                for name, service in model.services.items()
                if service.corroborate
            },
            webhook=access.webhook(model.alertmanager.webhook),
            database_url=access.database_url(model.database),
            mail=access.mail(model.mail) if model.mail else None,
            notices=read_notices(model.notices, self.path),
            schedule=Schedule(
                observe_ms=model.schedule.observe.ms,
                reconcile_ms=model.schedule.reconcile.ms,
                deliver_ms=model.schedule.deliver.ms,
                silences_ms=model.schedule.silences.ms,
                repair_ms=model.schedule.repair.ms,
                billing_ms=model.schedule.billing.ms,
                claims_ms=model.schedule.claims.ms,
                lease_ms=model.schedule.lease.ms,
            ),
            settle_after_ms=model.settle_after.ms,
            per_contract_metrics=model.metrics.per_contract,
            catalogue=replace(
                catalogue,
                exclusions=exclusions,
                maintenance_silences=model.maintenance.silences,
            ),
            brakes=model.brakes.brakes(),
            evidence_key=access.secret(model.evidence, "key", ("evidence",)),
            claims=read_claims(model, access, catalogue),
            billing=self._billing(model, access, catalogue, promises),
            catalogue_imports=imports,
            allow_private=tuple(model.outgoing.allow_private),
            shown=shown(self.document.value),
        )

    def validate(self, document: Document, model: type[M]) -> M | None:
        """Give the document as the model, or note what is wrong with it."""
        found, problems = validated(document, model)
        self.problems.extend(problems)
        return found

    def _add_policies(self, promises: PromiseBuilder, name: str, at: Sequence[Key]) -> None:
        path = find_policy_file(name, self.path.parent)
        if path is None:
            message = f"there is no file {name!r}, neither here nor among the ready policies"
            self.problems.append(self.document.problem(at, message))
            return
        try:
            document = read_file(path)
        except ConfigInvalid as error:
            self.problems.extend(error.problems)
            return
        found = self.validate(document, PoliciesFile)
        if found:
            promises.add_policies(found.policies, document)

    def _add_file(self, promises: PromiseBuilder, name: str, at: Sequence[Key]) -> None:
        matches = (
            sorted(self.path.parent.glob(name)) if not Path(name).is_absolute() else [Path(name)]
        )
        if not matches:
            self.problems.append(self.document.problem(at, f"no file matches {name!r}"))
        for path in matches:
            self._add_customers(promises, path)

    def _add_customers(self, promises: PromiseBuilder, path: Path) -> None:
        try:
            document = read_customers(path, str(path))
        except ConfigInvalid as error:
            self.problems.extend(error.problems)
            return
        found = self.validate(document, CustomersFile)
        for index, customer in enumerate(found.customers if found else ()):
            promises.add(customer, document, ("customers", index))

    def _imports(self, model: ConfigFile) -> tuple[CatalogueImport, ...]:
        for name in model.catalogue:
            kind = model.billing.get(name, {}).get("type", name)
            if name not in model.billing or kind != "whmcs":
                message = f"there is no WHMCS {name!r} under billing that could be read"
                self.problems.append(self.document.problem(("catalogue", name), message))
        return tuple(
            CatalogueImport(
                sink=name,
                file=beside(self.path, one.file),
                products={key: (p.service, p.policy) for key, p in one.products.items()},
                label=one.series.label if one.series else None,
                place=one.series.place if one.series else "domain",
            )
            for name, one in model.catalogue.items()
        )

    def _billing(
        self,
        model: ConfigFile,
        access: AccessReader,
        catalogue: Catalogue,
        promises: PromiseBuilder,
    ) -> dict[str, BillingAccess]:
        reader = BillingReader(self.kinds, self.document, access.read_secret)
        found = reader.read(model.billing)
        reader.check_forms(found, catalogue, promises.place_of)
        self.problems.extend(reader.problems)
        return found
