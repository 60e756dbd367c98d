"""Loading: files become one frozen configuration, or a list of everything that is wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from sla_exporter.core.repairs import Relabelling
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.billing import BillingReader
from sla_exporter.settings.config import (
    AlertmanagerAccess,
    BillingAccess,
    CatalogueImport,
    Config,
    MailAccess,
    NoticeSettings,
    OpinionAccess,
    PrometheusAccess,
    Schedule,
    WebhookAccess,
)
from sla_exporter.settings.customers import read_customers
from sla_exporter.settings.document import Document, read_file
from sla_exporter.settings.exclusions import read_exclusions
from sla_exporter.settings.masking import shown
from sla_exporter.settings.models import ConfigFile, CustomersFile, PoliciesFile
from sla_exporter.settings.policies import find_policy_file
from sla_exporter.settings.promises import PromiseBuilder
from sla_exporter.settings.sentences import validated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.problems import Problem
    from sla_exporter.ports.delivery import SinkKind
    from sla_exporter.settings.document import Key
    from sla_exporter.settings.models import (
        AlertmanagerModel,
        BasicAuth,
        CorroborateModel,
        MailModel,
        MonitorModel,
        PrometheusModel,
        WebhookModel,
    )

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
        known = {name for c in catalogue.contracts for name in (c.id, c.customer.id)}
        return Config(
            file=self.path,
            prometheus=self._prometheus(model.prometheus),
            alertmanager=self._alertmanager(model.alertmanager),
            relabelling=Relabelling(
                added=model.prometheus.external_labels,
                dropped=frozenset(model.alertmanager.dropped_labels),
            ),
            opinions={
                name: self._opinion(service.corroborate, ("services", name, "corroborate"), known)
                for name, service in model.services.items()
                if service.corroborate
            },
            webhook=self._webhook(model.alertmanager.webhook),
            database_url=self._database_url(model),
            mail=self._mail(model.mail) if model.mail else None,
            notices=NoticeSettings(
                company=model.notices.company,
                statements=model.notices.statements,
                folder=self._beside(model.notices.folder),
                templates=self._beside(model.notices.templates)
                if model.notices.templates
                else None,
            ),
            schedule=Schedule(
                observe_ms=model.schedule.observe.ms,
                reconcile_ms=model.schedule.reconcile.ms,
                deliver_ms=model.schedule.deliver.ms,
                silences_ms=model.schedule.silences.ms,
                repair_ms=model.schedule.repair.ms,
                billing_ms=model.schedule.billing.ms,
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
            evidence_key=self._secret(model.evidence, "key", ("evidence",)),
            billing=self._billing(model, catalogue, promises),
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
                file=self._beside(one.file),
                products={key: (p.service, p.policy) for key, p in one.products.items()},
                label=one.series.label if one.series else None,
                place=one.series.place if one.series else "domain",
            )
            for name, one in model.catalogue.items()
        )

    def _prometheus(self, model: PrometheusModel) -> PrometheusAccess:
        at = ("prometheus",)
        return PrometheusAccess(
            url=model.url,
            timeout_s=model.timeout.ms / 1000,
            headers=self._headers(model, at),
            auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
            retention_ms=model.retention.ms if model.retention else None,
        )

    def _alertmanager(self, model: AlertmanagerModel) -> AlertmanagerAccess | None:
        at = ("alertmanager",)
        if model.url is None:
            return None
        return AlertmanagerAccess(
            url=model.url,
            timeout_s=model.timeout.ms / 1000,
            headers=self._headers(model, at),
            auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
        )

    def _headers(
        self,
        model: PrometheusModel | AlertmanagerModel | MonitorModel,
        at: Sequence[Key],
    ) -> dict[str, str]:
        token = self._secret(model, "bearer_token", at)
        tenant = getattr(model, "tenant", None)
        named = {"X-Scope-OrgID": tenant} if tenant else {}
        return dict(model.headers) | named | ({"Authorization": f"Bearer {token}"} if token else {})

    def _opinion(
        self, model: CorroborateModel, at: Sequence[Key], known: AbstractSet[str]
    ) -> OpinionAccess:
        ((kind, source),) = model.given
        at = (*at, kind)
        for name in sorted(source.monitors.keys() - known):
            message = f"monitors: there is no contract and no customer {name!r}"
            self.problems.append(self.document.problem((*at, "monitors", name), message))
        for missing in _missing_keys(kind, source):
            self.problems.append(self.document.problem(at, f"the key {missing!r} is missing"))
        return OpinionAccess(
            kind=kind,
            tolerance_ms=model.tolerance.ms,
            url=source.url,
            timeout_s=source.timeout.ms / 1000,
            monitors=source.monitors,
            series=source.series,
            label=source.label,
            headers=self._headers(source, at),
            auth=self._basic_auth(source.basic_auth, (*at, "basic_auth")),
        )

    def _webhook(self, model: WebhookModel) -> WebhookAccess:
        at = ("alertmanager", "webhook")
        return WebhookAccess(
            bearer_token=self._secret(model, "bearer_token", at),
            basic_auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
            max_body=model.max_body,
            max_rate=model.max_rate,
        )

    def _mail(self, model: MailModel) -> MailAccess:
        return MailAccess(
            host=model.host,
            port=model.port,
            security=model.security,
            username=model.username,
            password=self._secret(model, "password", ("mail",)),
            sender=model.sender,
            reply_to=model.reply_to,
            per_hour=model.per_hour,
        )

    def _billing(
        self, model: ConfigFile, catalogue: Catalogue, promises: PromiseBuilder
    ) -> dict[str, BillingAccess]:
        reader = BillingReader(self.kinds, self.document, self._read_secret)
        found = reader.read(model.billing)
        reader.check_forms(found, catalogue, promises.place_of)
        self.problems.extend(reader.problems)
        return found

    def _database_url(self, model: ConfigFile) -> str:
        url = self._secret(model.database, "url", ("database",))
        if not url:
            return f"sqlite+aiosqlite:///{self._beside(model.database.path or 'sla-exporter.db')}"
        scheme, _, rest = url.partition("://")
        drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
        if scheme not in {*drivers, *drivers.values()}:
            self.problems.append(
                self.document.problem(
                    ("database", "url"),
                    f"url: a database is sqlite:// or postgresql://, not {scheme}://",
                )
            )
        return f"{drivers.get(scheme, scheme)}://{rest}"

    def _basic_auth(self, model: BasicAuth | None, at: Sequence[Key]) -> tuple[str, str] | None:
        if model is None:
            return None
        return model.username, self._secret(model, "password", at, required=True) or ""

    def _secret(
        self, model: BaseModel, name: str, at: Sequence[Key], *, required: bool = False
    ) -> str | None:
        """Give a secret from its key or from the file that its ``*_file`` key names."""
        given, file = getattr(model, name), getattr(model, f"{name}_file")
        if given is not None and file is not None:
            message = f"give either {name} or {name}_file, not both"
            self.problems.append(self.document.problem((*at, name), message))
        if file is not None:
            return self._read_secret(file, (*at, f"{name}_file"))
        if given is None and required:
            message = f"{name} or {name}_file is missing"
            self.problems.append(self.document.problem(at, message))
        return given  # type: ignore[no-any-return]

    def _read_secret(self, file: str, at: Sequence[Key]) -> str | None:
        try:
            secret = self._beside(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            message = f"{at[-1]}: {file} cannot be read: {reason}"
            self.problems.append(self.document.problem(at, message))
            return None
        if not secret:
            self.problems.append(self.document.problem(at, f"{at[-1]}: {file} is empty"))
        return secret

    def _beside(self, name: str) -> Path:
        """Take a relative path as relative to the configuration file."""
        return (self.path.parent / name).absolute()


def _missing_keys(kind: str, source: MonitorModel) -> list[str]:
    """Give the keys that this kind of second opinion cannot do without."""
    if kind == "prometheus":
        return [] if source.url else ["url"]
    if kind != "pingdom":
        return []
    has_token = source.bearer_token or source.bearer_token_file
    return ([] if has_token else ["bearer_token"]) + ([] if source.monitors else ["monitors"])
