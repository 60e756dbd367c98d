"""The API's handlers: each reads its query, asks a store, and gives a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sla_exporter.core.money import Money
from sla_exporter.core.texts import is_storable
from sla_exporter.core.windows import Window
from sla_exporter.errors import SlaExporterError
from sla_exporter.flow.decide import Verdict
from sla_exporter.web.api import answers
from sla_exporter.web.api import models as m
from sla_exporter.web.api.access import admitted
from sla_exporter.web.api.openapi import description
from sla_exporter.web.api.problems import Refused, conditional, problem, problem_of
from sla_exporter.web.api.routes import API
from sla_exporter.web.connections import BODY_S, in_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from aiohttp.typedefs import Handler

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.exclusions import StatedExclusion
    from sla_exporter.core.settled import Settled
    from sla_exporter.flow.claims import ClaimDesk
    from sla_exporter.flow.decide import Decider
    from sla_exporter.flow.exclusions import ExclusionDesk
    from sla_exporter.ports import Clock
    from sla_exporter.ports.api import Lists, Token, TokenStore
    from sla_exporter.ports.figures import FigureStore
    from sla_exporter.web.api.routes import Route

B = TypeVar("B", bound=BaseModel)

_log = structlog.get_logger(__name__)
_MOST_BODY = 1024**2
_EVER = Window(0, 10**15)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: who makes it, and what it says."""

    request: web.Request
    token: Token | None
    query: Any = None
    body: Any = None

    @property
    def key(self) -> str:
        """The settlement that the path names."""
        return "{contract}/{period}".format_map(self.request.match_info)

    @property
    def filters(self) -> dict[str, str]:
        """The filters that were given."""
        given = self.query.model_dump(exclude={"after", "limit"}, exclude_none=True)
        return {name: str(value) for name, value in given.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers ``/api/v1``; what a reload may change is asked anew for every request."""

    tokens: TokenStore
    lists: Lists
    figures: FigureStore
    clock: Clock
    catalogue: Callable[[], Catalogue]
    decider: Callable[[], Decider]
    desk: ExclusionDesk
    claim_desk: Callable[[], ClaimDesk]
    pack: Callable[[str], Awaitable[dict[str, Any]]]

    def handlers(self) -> Iterable[tuple[str, str, Handler]]:
        """Give method, path and handler of every route."""
        for route in API:
            yield route.method, route.path, self._guarded(route)

    async def settlements(self, call: Call) -> object:
        """List settlements."""
        found = await self.lists.settlements(call.filters, call.query.after, _one_more(call))
        return _page(call, found, answers.settlement, lambda one: one.key)

    async def settlement(self, call: Call) -> object:
        """Give one settlement."""
        found = await self.decider().settlements.find([call.key])
        if not found:
            raise Refused(404, f"there is no settlement {call.key}")
        return answers.settlement(found[0])

    async def incidents(self, call: Call) -> object:
        """List incidents."""
        found = await self.lists.incidents(call.filters, call.query.after, _one_more(call))
        return _page(
            call, found, answers.incident, lambda one: f"{one.starts_at_ms}/{one.fingerprint}"
        )

    async def exclusions(self, call: Call) -> object:
        """List exclusions; a silence that was prolonged is several with one key."""
        listed = await self.desk.listed(self.catalogue(), _EVER)
        found = sorted(listed, key=_exclusion_key)
        left = [one for one in found if _exclusion_key(one) > call.query.after]
        return _page(call, left[: _one_more(call)], answers.exclusion, _exclusion_key)

    async def exclude(self, call: Call) -> object:
        """Enter an exclusion."""
        try:
            stated = answers.stated(call.body, _verdict(call).by)
        except ValueError as error:
            raise Refused(422, str(error)) from None
        return answers.exclusion(await self.desk.add(self.catalogue(), stated))

    async def withdraw(self, call: Call) -> object:
        """Take an exclusion back."""
        verdict = _verdict(call)
        await self.desk.withdraw(call.body.exclusion, verdict.by, verdict.reason)
        return m.Withdrawn(exclusion=call.body.exclusion)

    async def credits(self, call: Call) -> object:
        """List credits."""
        found = await self.lists.credits(call.filters, call.query.after, _one_more(call))
        return _page(call, found, answers.credit, lambda one: one.key)

    async def claims(self, call: Call) -> object:
        """List claims."""
        store, after = self.claim_desk().claims, int(call.query.after or 0)
        found = await store.listed(call.filters, after, _one_more(call))
        return _page(call, found, answers.claim, lambda one: str(one.number))

    async def claim(self, call: Call) -> object:
        """Take the claim of a customer."""
        now_ms = self.clock.now_ms()
        stated = answers.stated_claim(call.body, call.token.name if call.token else "", now_ms)
        judged = await self.claim_desk().claim(self.catalogue(), stated, now_ms)
        return answers.judged_claim(judged)

    async def evidence(self, call: Call) -> object:
        """Give an evidence pack."""
        return await self.pack(call.key)

    async def decisions(self, call: Call) -> object:
        """List decisions."""
        found = await self.lists.decisions(call.filters, call.query.after, _one_more(call))
        return _page(call, found, lambda one: answers.decision(one[1]), lambda one: str(one[0]))

    async def ledger(self, call: Call) -> object:
        """List ledger entries."""
        found = await self.lists.lines(call.filters, call.query.after, _one_more(call))
        return _page(call, found, answers.entry, lambda one: str(one.seq))

    async def balances(self, call: Call) -> object:
        """List balances."""
        found = await self.lists.balances(call.filters, call.query.after, _one_more(call))
        return _page(call, found, answers.balance, lambda one: f"{one.contract}/{one.currency}")

    async def customers(self, call: Call) -> object:
        """List customers."""
        found = answers.customers(self.catalogue().contracts)
        return _cut(call, found, lambda one: one.id)

    async def contracts(self, call: Call) -> object:
        """List contracts."""
        found = map(answers.contract, self.catalogue().contracts)
        wanted = call.query
        kept = [
            one
            for one in found
            if wanted.customer in {None, one.customer} and wanted.contract in {None, one.id}
        ]
        return _cut(call, sorted(kept, key=lambda one: one.id), lambda one: one.id)

    async def exposure(self, call: Call) -> object:
        """List what open periods would cost."""
        wanted = call.query
        kept = [
            answers.exposure(one)
            for one in (await self.figures.figures()).standings
            if wanted.customer in {None, one.customer} and wanted.contract in {None, one.contract}
        ]
        return _cut(call, sorted(kept, key=lambda one: one.contract), lambda one: one.contract)

    async def openapi(self, _call: Call) -> object:
        """Describe the API."""
        return description()

    async def approve(self, call: Call) -> object:
        """Release held credits."""
        decider = self.decider()
        held = await decider.named(call.body.credits)
        now_ms = self.clock.now_ms()
        done = await decider.approve(held, self.catalogue(), _verdict(call), now_ms)
        return _decided(held, done)

    async def reject(self, call: Call) -> object:
        """Let nothing come of held credits."""
        decider = self.decider()
        held = await decider.named(call.body.credits)
        now_ms = self.clock.now_ms()
        done = await decider.reject(held, self.catalogue(), _verdict(call), now_ms)
        return _decided(held, done)

    async def adjust(self, call: Call) -> object:
        """Release a held credit with another amount."""
        decider, wanted = self.decider(), call.body
        held = await decider.named([wanted.credit])
        if len(held) != 1:
            raise Refused(409, "another amount can be given to one credit at a time")
        try:
            credit = Money.of(wanted.amount, wanted.currency)
        except ValueError as error:
            raise Refused(422, str(error)) from None
        now_ms = self.clock.now_ms()
        book, verdict = self.catalogue(), _verdict(call)
        return _decided(held, await decider.adjust(held[0], credit, book, verdict, now_ms))

    def _guarded(self, route: Route) -> Handler:
        """Let in who may, read what was sent, and put every error into a problem."""
        method = getattr(self, route.name)

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                call = await self._call(route, request)
                answer = await method(call)
            except Refused as error:
                return problem(error.status, str(error))
            except SlaExporterError as error:
                return problem_of(error)
            if isinstance(answer, BaseModel):
                answer = answer.model_dump(mode="json")
            if route.method != "GET":
                return web.json_response(answer)
            response = conditional(request, answer)
            if route.query and answer["next"] is not None and response.status == 200:
                after = {**request.query, "after": answer["next"]}
                response.headers["Link"] = f'<{route.path}?{urlencode(after)}>; rel="next"'
            return response

        return handle

    async def _call(self, route: Route, request: web.Request) -> Call:
        token = await admitted(self.tokens, request, route.scope) if route.scope else None
        _require_text({**request.match_info, **request.query})
        query = _valid(route.query, dict(request.query), 400) if route.query else None
        body = _valid(route.body, await _json_of(request), 422) if route.body else None
        return Call(request, token, query, body)


async def _json_of(request: web.Request) -> object:
    if (request.content_length or 0) > _MOST_BODY:
        raise Refused(413, f"the request is larger than {_MOST_BODY} bytes")
    try:
        async with in_time(request):
            body = await request.read()
        data: object = json.loads(body)
    except TimeoutError:
        raise Refused(408, f"the body did not come within {BODY_S} seconds") from None
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, f"the request is larger than {_MOST_BODY} bytes") from None
    except (ValueError, RecursionError):
        raise Refused(400, "the request is not JSON") from None
    _require_text(data)
    return data


def _require_text(data: object) -> None:
    if not is_storable(data):
        raise Refused(422, "the request holds what is no text, such as NUL")


def _valid(model: type[B], data: object, status: int) -> B:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, found["loc"])) or "the request"
        raise Refused(status, f"{where}: {found['msg']}") from None


def _verdict(call: Call) -> Verdict:
    """Give the token's name as the one who decides: it is what was proven."""
    return Verdict(by=call.token.name if call.token else "", reason=call.body.reason)


def _exclusion_key(stated: StatedExclusion) -> str:
    return f"{stated.key}/{stated.window.start_ms:015}"


def _decided(held: Sequence[Settled], done: int) -> m.Decided:
    return m.Decided(decided=done, credits=[one.key for one in held])


def _one_more(call: Call) -> int:
    """Ask for one more than is shown, to know whether there is a next page."""
    return int(call.query.limit) + 1


def _page(
    call: Call,
    found: Sequence[Any],
    answer: Callable[[Any], BaseModel],
    key: Callable[[Any], str],
) -> dict[str, Any]:
    limit = call.query.limit
    shown = found[:limit]
    more = key(shown[-1]) if len(found) > limit else None
    return {"items": [answer(one).model_dump(mode="json") for one in shown], "next": more}


def _cut(call: Call, found: Sequence[Any], key: Callable[[Any], str]) -> dict[str, Any]:
    """Give the page of a list that is all there, sorted by key."""
    left = [one for one in found if key(one) > call.query.after]
    return _page(call, left[: call.query.limit + 1], lambda one: one, key)
