"""Segments find whom a naive reading of the records finds, keep who came and went, and say why."""

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, or_, select, update

from app import clock
from app.contact import fold
from app.database import begin
from app.errors import ChangedMeanwhile, DomainError
from app.operations import forgetting, interests, matching, segment_sql, segment_words, segments
from app.operations.filters import Filters
from app.operations.segment_fields import FIELDS, PARTS
from app.operations.segment_terms import Group, Misread, Term, When, read
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.customers import Customer
from models.outbox import OutboxMessage
from models.scores import CustomerScore
from models.segments import Segment, SegmentDay, SegmentMembership
from models.vendors import Vendor
from tasks import segments as tasks
from tests import make
from tests.chance import examples
from tests.server import TestServer, own_database, undone

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""Saturday the 21st already in Auckland."""
WAYS = (("email", "marketing"), ("sms", "marketing"), ("email", "reminder"))


@dataclass
class Facts:
    """What is known of a customer, as plain values."""

    id: int
    vendor_id: int
    zone: ZoneInfo
    status: str
    channel: str
    archived: bool
    created: datetime
    birthday: date | None
    visits: list[tuple[datetime, int, Decimal]] = field(default_factory=list)
    bought: list[tuple[datetime, int, int, Decimal]] = field(default_factory=list)
    lost: list[tuple[datetime, Decimal]] = field(default_factory=list)
    """What was given back for no line, at the time of its order."""
    orders: list[datetime] = field(default_factory=list)
    placed: list[datetime] = field(default_factory=list)
    missed: int = 0
    ahead: bool = False
    tags: set[str] = field(default_factory=set)
    homes: set[tuple[str, str, str]] = field(default_factory=set)
    said: dict[tuple[str, str], bool] = field(default_factory=dict)
    points: int = 0
    tier: int | None = None
    plans: set[tuple[int, bool, datetime]] = field(default_factory=set)
    packages: set[tuple[int, bool, datetime]] = field(default_factory=set)
    score: dict[str, Any] = field(default_factory=dict)


@dataclass
class World:
    vendors: list[int]
    customers: list[Facts]
    parents: dict[int, int | None]
    service_category: dict[int, int | None] = field(default_factory=dict)
    service_kind: dict[int, str] = field(default_factory=dict)
    product_category: dict[int, int | None] = field(default_factory=dict)
    plans: list[int] = field(default_factory=list)
    packages: list[int] = field(default_factory=list)
    tiers: list[int] = field(default_factory=list)

    def within(self, category: int | None, roots: Any) -> bool:
        while category is not None:
            if category in roots:
                return True
            category = self.parents[category]
        return False


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The world and its database, made once: nobody here changes it for good."""
    with own_database(server) as engine, clock.stopped_at(NOW):
        yield engine, _made()


@pytest.fixture
def world(built: tuple[Engine, World]) -> Iterator[World]:
    """The world at `NOW`, in a transaction of its own."""
    with undone(built[0]), clock.stopped_at(NOW):
        yield built[1]


def _made() -> World:
    rng = random.Random(11)
    with acting(SYSTEM), begin() as session:
        parents: dict[int, int | None] = {}
        found: dict[str, list[int]] = {"service": [], "product": []}
        for kind, made in found.items():
            for parent in (None, 0, 1):
                above = None if parent is None else made[parent]
                made.append(make.category(session, kind=kind, parent_id=above).id)
                parents[made[-1]] = above
        zones = ("Pacific/Auckland", "America/Los_Angeles")
        vendors = [make.vendor(session, time_zone=zone) for zone in zones]
        world = World([v.id for v in vendors], [], parents)
    for vendor in vendors:
        with acting(vendor_actor(vendor.id)), begin() as session:
            _fill(session, world, vendor, found, rng)
            own = [c.id for c in world.customers if c.vendor_id == vendor.id]
            interests.rebuild(session, customer_ids=own)
    return world


def _fill(session: Any, world: World, vendor: Any, categories: Any, rng: random.Random) -> None:
    services = [
        make.service(session, category_id=c, kind=rng.choice(("appointment", "class")))
        for c in (None, *categories["service"])
    ]
    products = [make.product(session, category_id=c) for c in (None, *categories["product"])]
    for service in services:
        world.service_category[service.id] = service.category_id
        world.service_kind[service.id] = service.kind
    world.product_category |= {p.id: p.category_id for p in products}
    plan, package = make.plan(session), make.package(session)
    world.plans.append(plan.id)
    world.packages.append(package.id)
    tags = {name: make.tag(session, name=name) for name in ("vip", "new")}
    program = make.program(session)
    tier = make.tier(session, program=program)
    world.tiers.append(tier.id)
    for _ in range(26):
        facts = _person(session, vendor, rng)
        world.customers.append(facts)
        customer = session.get_one(Customer, facts.id)
        _history(session, facts, customer, services, products, rng)
        _around(session, facts, customer, tags, plan, package, rng)
        if rng.random() < 0.7:
            facts.score = {
                "segment": rng.choice(("at_risk", "new")),
                "p_alive": Decimal(rng.choice((0, 33, 90))) / 100,
                "expected_12m": Decimal(rng.choice(("0.4", "15"))),
                "value_12m": Decimal(rng.choice((0, 60))),
                **{name: rng.randrange(1, 6) for name in "rfm"},
            }
            day = NOW.date()
            session.add(CustomerScore(
                customer_id=facts.id, first_on=day, last_on=day, days=1, visits=1, orders=0,
                revenue=1, first_channel="online", bought_on=[day], bought_for=[1], **facts.score,
            ))  # fmt: skip
        if rng.random() < 0.5:
            facts.points = rng.choice((0, 40, 250, -30))
            facts.tier = rng.choice((None, tier.id))
            since = NOW if facts.tier else None
            account = make.account(
                session, program=program, customer=customer, tier_id=facts.tier, tier_since=since,
                qualified_at=since, tier_until=since,
            )  # fmt: skip
            if facts.points > 0:
                make.lot(session, account=account, points=facts.points)
            elif facts.points:  # spent, then reversed
                make.loyalty_entry(session, account=account, points=facts.points)


def _person(session: Any, vendor: Any, rng: random.Random) -> Facts:
    born = rng.choice((None, date(1990, 11, 21), date(1988, 2, 29), date(2000, 12, 24)))
    created = NOW - timedelta(hours=rng.randrange(1, 24 * 90))
    row = make.customer(
        session, status=rng.choice(("active", "inactive")), birthday=born, created_at=created,
        channel=rng.choice(("online", "phone")),
        archived_at=NOW if rng.random() < 0.1 else None,
    )  # fmt: skip
    return Facts(
        row.id, vendor.id, ZoneInfo(vendor.time_zone), row.status, row.channel,
        row.archived_at is not None, created, born,
    )  # fmt: skip


def _history(
    session: Any, facts: Facts, customer: Any, services: Any, products: Any, rng: random.Random
) -> None:
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        at, service = NOW - timedelta(hours=rng.randrange(2, 24 * 60)), rng.choice(services)
        make.booking(
            session, customer=customer, service=service, starts_at=at, status="completed",
            completed_at=at + timedelta(hours=1), price=Decimal("20.00"),
        )  # fmt: skip
        facts.visits.append((at, service.id, Decimal("20.00")))
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = NOW - timedelta(hours=rng.randrange(2, 24 * 60))
        product, pieces = rng.choice(products), rng.choice((1, 2))
        order = make.order(
            session, customer=customer, lines=0, status="completed",
            placed_at=at - timedelta(days=3), fulfilled_at=at,
        )  # fmt: skip
        line = make.order_line(
            session, order=order, variant=product.variants[0], quantity=pieces,
            unit_price=Decimal("7.50"),
        )  # fmt: skip
        session.flush()
        facts.orders.append(at)
        facts.placed.append(at - timedelta(days=3))
        for_line, for_none = _given_back(session, order, line, rng)
        facts.bought.append((at, product.id, pieces, Decimal("7.50") * pieces - for_line))
        facts.lost.append((at, for_none))
    if rng.random() < 0.4:  # a sold visit costs what its line says
        at, service = NOW - timedelta(hours=rng.randrange(2, 24 * 60)), rng.choice(services)
        booking = make.booking(
            session, customer=customer, service=service, starts_at=at, status="completed",
            completed_at=at + timedelta(hours=1), price=Decimal("20.00"),
        )  # fmt: skip
        order = make.order(
            session, customer=customer, lines=0, status="completed", placed_at=at, fulfilled_at=at
        )
        line = make.order_line(
            session, order=order, kind="service", service_id=service.id, booking_id=booking.id,
            unit_price=Decimal("15.00"),
        )  # fmt: skip
        session.flush()
        facts.orders.append(at)
        facts.placed.append(at)
        for_line, for_none = _given_back(session, order, line, rng)
        facts.visits.append((at, service.id, Decimal("15.00") - for_line))
        facts.lost.append((at, for_none))
    if rng.random() < 0.2:  # somebody else paid: nobody knows who
        at, service = NOW - timedelta(hours=rng.randrange(2, 24 * 60)), rng.choice(services)
        booking = make.booking(
            session, customer=customer, service=service, starts_at=at, status="completed",
            completed_at=at + timedelta(hours=1), price=Decimal("20.00"),
        )  # fmt: skip
        order = make.order(session, lines=0, status="completed", placed_at=at, fulfilled_at=at,
                           vendor_id=customer.vendor_id)  # fmt: skip
        make.order_line(
            session, order=order, kind="service", service_id=service.id, booking_id=booking.id,
            unit_price=Decimal("95.00"),
        )  # fmt: skip
        session.flush()
        facts.visits.append((at, service.id, Decimal("20.00")))
    for _ in range(rng.choice((0, 0, 1, 2))):
        make.booking(session, customer=customer, status="no_show",
                     starts_at=NOW - timedelta(days=40, hours=make.number()))  # fmt: skip
        facts.missed += 1
    if rng.random() < 0.3:
        make.booking(session, customer=customer)
        facts.ahead = True


def _given_back(session: Any, order: Any, line: Any, rng: random.Random) -> tuple[Decimal, Decimal]:
    """What is given back of an order that was paid: for its line, and for none."""
    how = rng.choice(("kept", "line", "none", "both"))
    if how == "kept":
        return Decimal(0), Decimal(0)
    payment = make.payment(session, order=order)
    shares = {"line": (line.total, 0), "none": (0, order.total), "both": (Decimal(2), Decimal(3))}
    for_line, for_none = (Decimal(share) for share in shares[how])
    if for_line:
        refund = make.refund(session, payment=payment, amount=for_line)
        make.refund_line(session, refund=refund, line=line)
    if for_none:
        make.refund(session, payment=payment, amount=for_none)
    return for_line, for_none


def _around(
    session: Any, facts: Facts, customer: Any, tags: Any, plan: Any, package: Any,
    rng: random.Random,
) -> None:  # fmt: skip
    for tag in rng.sample(("vip", "new"), rng.randrange(0, 3)):
        make.customer_tag(session, customer=customer, tag=tags[tag])
        facts.tags.add(tag)
    for city, code, country in rng.sample(
        (("Zürich", "80 01", "CH"), ("Lisboa", "1200-203", "PT")), rng.randrange(0, 3)
    ):
        make.address(session, customer=customer, city=city, postal_code=code, country=country)
        facts.homes.add((fold(city), code.replace(" ", ""), country))
    for channel, purpose in WAYS:
        for _ in range(rng.choice((0, 1, 2))):
            granted = rng.random() < 0.5
            make.consent(session, customer=customer, channel=channel, purpose=purpose,
                         granted=granted)  # fmt: skip
            facts.said[channel, purpose] = granted
    began = NOW - timedelta(days=rng.randrange(0, 60))
    if rng.random() < 0.4:
        runs = rng.random() < 0.5
        make.membership(session, customer=customer, plan=plan, started_at=began,
                        status="paused" if runs else "ended")  # fmt: skip
        facts.plans.add((plan.id, runs, began))
    if rng.random() < 0.4:
        runs = rng.random() < 0.5
        make.holding(session, customer=customer, package=package, bought_at=began,
                     status="active" if runs else "used_up")  # fmt: skip
        facts.packages.add((package.id, runs, began))


# --- read the slow way -------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """The rule read over plain facts: one vendor's clock, or UTC for all."""

    world: World
    vendor_id: int | None

    def day(self, c: Facts, at: datetime) -> date:
        return at.astimezone(c.zone if self.vendor_id else UTC).date()

    def within(self, c: Facts, at: datetime, when: When | None) -> bool:
        if when is None or when.span == "ever":
            return True
        day = self.day(c, at)
        if when.first is not None and when.last is not None:
            return when.first <= day <= when.last
        return day >= self.day(c, NOW) - timedelta(days=when.days)

    def finds(self, node: Group | Term) -> set[int]:
        return {
            c.id for c in self.world.customers
            if not c.archived and self.vendor_id in (None, c.vendor_id) and self.holds(c, node)
        }  # fmt: skip

    def holds(self, c: Facts, node: Group | Term) -> bool:
        if isinstance(node, Group):
            held = [self.holds(c, one) for one in node.of]
            return {"all": all(held), "any": any(held), "none": not any(held)}[node.match]
        return bool(getattr(self, f"_{node.field}")(c, node.values))

    def _compare(self, number: Any, v: Any, wanted: Any) -> bool:
        return {"at_least": number >= wanted, "at_most": number <= wanted,
                "exactly": number == wanted}[v["op"]]  # fmt: skip

    def _had(self, c: Facts, v: Any, meant: Any) -> bool:
        number = sum(self.within(c, at, v.get("when")) and meant(s) for at, s, _ in c.visits)
        return self._compare(number, v, v["times"])

    def _bought_service(self, c: Facts, v: Any) -> bool:
        return self._had(c, v, lambda s: s in v["ids"])

    def _bought_service_category(self, c: Facts, v: Any) -> bool:
        w = self.world
        return self._had(c, v, lambda s: w.within(w.service_category[s], v["ids"]))

    def _bought_service_kind(self, c: Facts, v: Any) -> bool:
        return self._had(c, v, lambda s: self.world.service_kind[s] in v["kinds"])

    def _pieces(self, c: Facts, v: Any, meant: Any) -> bool:
        when = v.get("when")
        number = sum(n for at, p, n, _ in c.bought if self.within(c, at, when) and meant(p))
        return self._compare(number, v, v["times"])

    def _bought_product(self, c: Facts, v: Any) -> bool:
        return self._pieces(c, v, lambda p: p in v["ids"])

    def _bought_product_category(self, c: Facts, v: Any) -> bool:
        w = self.world
        return self._pieces(c, v, lambda p: w.within(w.product_category[p], v["ids"]))

    def _began(self, c: Facts, held: Any, v: Any) -> bool:
        number = sum(i in v["ids"] and self.within(c, at, v.get("when")) for i, _, at in held)
        return self._compare(number, v, v["times"])

    def _bought_plan(self, c: Facts, v: Any) -> bool:
        return self._began(c, c.plans, v)

    def _bought_package(self, c: Facts, v: Any) -> bool:
        return self._began(c, c.packages, v)

    def _last(self, c: Facts, moments: list[datetime], v: Any) -> bool:
        when = v["when"]
        last = max(moments, default=None)
        if when.span == "never":
            return last is None
        if when.span == "not_since":
            return last is None or self.day(c, last) < self.day(c, NOW) - timedelta(days=when.days)
        return last is not None and self.within(c, last, when)

    def _last_visit(self, c: Facts, v: Any) -> bool:
        return self._last(c, [at for at, _, _ in c.visits], v)

    def _last_order(self, c: Facts, v: Any) -> bool:
        return self._last(c, c.placed, v)

    def _created(self, c: Facts, v: Any) -> bool:
        return self._last(c, [c.created], v)

    def _visits(self, c: Facts, v: Any) -> bool:
        return self._had(c, v, lambda _: True)

    def _orders(self, c: Facts, v: Any) -> bool:
        number = sum(self.within(c, at, v.get("when")) for at in c.orders)
        return self._compare(number, v, v["times"])

    def _booked_ahead(self, c: Facts, v: Any) -> bool:
        return c.ahead is (v["has"] == "has")

    def _no_shows(self, c: Facts, v: Any) -> bool:
        return self._compare(c.missed, v, v["times"])

    def _no_show_rate(self, c: Facts, v: Any) -> bool:
        both = c.missed + len(c.visits)
        return both > 0 and self._compare(Decimal(100 * c.missed), v, v["percent"] * both)

    def _spent(self, c: Facts, v: Any) -> bool:
        when = v.get("when")
        services = sum(p for at, _, p in c.visits if self.within(c, at, when))
        products = sum(p for at, _, _, p in c.bought if self.within(c, at, when))
        lost = sum(much for at, much in c.lost if self.within(c, at, when))
        every = services + products - lost
        much = {"all": every, "services": services, "products": products}[v["what"]]
        return self._compare(much, v, v["amount"])

    def _status(self, c: Facts, v: Any) -> bool:
        return c.status in v["words"]

    def _channel(self, c: Facts, v: Any) -> bool:
        return c.channel in v["words"]

    def _tag(self, c: Facts, v: Any) -> bool:
        return bool(c.tags & set(v["texts"])) is (v["has"] == "has")

    def _city(self, c: Facts, v: Any) -> bool:
        return any(city in v["texts"] for city, _, _ in c.homes)

    def _postal_code(self, c: Facts, v: Any) -> bool:
        return any(code.startswith(t) for _, code, _ in c.homes for t in v["texts"])

    def _country(self, c: Facts, v: Any) -> bool:
        return any(country in v["texts"] for _, _, country in c.homes)

    def _birthday(self, c: Facts, v: Any) -> bool:
        if c.birthday is None:
            return False
        if v["when"].span == "month":
            return c.birthday.month == v["when"].month
        today = self.day(c, NOW)
        days = [today + timedelta(days=n) for n in range(v["when"].days + 1)]
        return any((d.month, d.day) == (c.birthday.month, c.birthday.day) for d in days)

    def _points(self, c: Facts, v: Any) -> bool:
        return self._compare(c.points, v, v["times"])

    def _group(self, c: Facts, v: Any) -> bool:
        return c.score.get("segment") in v["words"]

    def _score(self, c: Facts, v: Any) -> bool:
        return bool(c.score) and self._compare(c.score[v["of"]], v, v["times"])

    def _p_alive(self, c: Facts, v: Any) -> bool:
        return bool(c.score) and self._compare(c.score["p_alive"] * 100, v, v["percent"])

    def _expected_12m(self, c: Facts, v: Any) -> bool:
        return bool(c.score) and self._compare(c.score["expected_12m"], v, v["number"])

    def _value_12m(self, c: Facts, v: Any) -> bool:
        return bool(c.score) and self._compare(c.score["value_12m"], v, v["amount"])

    def _tier(self, c: Facts, v: Any) -> bool:
        return c.tier in v["ids"]

    def _holds(self, held: Any, v: Any) -> bool:
        mine = [runs for i, runs, _ in held if "ids" not in v or i in v["ids"]]
        return {"holds": any(mine), "held": bool(mine), "never": not mine}[v["held"]]

    def _membership(self, c: Facts, v: Any) -> bool:
        return self._holds(c.plans, v)

    def _package(self, c: Facts, v: Any) -> bool:
        return self._holds(c.packages, v)

    def _consent(self, c: Facts, v: Any) -> bool:
        said = c.said.get((v["channel"], v["purpose"]))
        return said is {"granted": True, "refused": False, "unasked": None}[v["said"]]


# --- every rule --------------------------------------------------------------------------------


def pools(world: World) -> dict[str, list[Any]]:
    """What ids and texts are drawn from."""
    parents = world.parents
    kinds = {c for c in world.service_category.values() if c}
    return {
        "service": [*world.service_category], "product": [*world.product_category],
        "service_category": [c for c in parents if c in kinds],
        "product_category": [c for c in parents if c not in kinds],
        "plan": world.plans, "package": world.packages, "tier": world.tiers,
        "tag": ["vip", "NEW ", "unknown"], "city": ["Zürich", "lisboa"],
        "postal": ["80", "12 00", "9"], "country": ["ch", "PT"],
    }  # fmt: skip


def whens(options: Any) -> st.SearchStrategy[Any]:
    days = st.integers(1, 60)

    def two(drawn: tuple[date, int]) -> dict[str, Any]:
        last = drawn[0] + timedelta(days=drawn[1])
        return {"is": "between", "from": drawn[0].isoformat(), "to": last.isoformat()}

    dated = st.tuples(st.dates(date(2026, 9, 1), date(2026, 11, 25)), st.integers(0, 40)).map(two)
    made = {
        "ever": st.just({"is": "ever"}), "never": st.just({"is": "never"}), "between": dated,
        "month": st.integers(1, 12).map(lambda m: {"is": "month", "month": m}),
    }  # fmt: skip
    with_days = {
        w: days.map(lambda d, w=w: {"is": w, "days": d})  # type: ignore[misc]
        for w in ("last", "not_since", "next")
    }
    return st.one_of(*((made | with_days)[word] for word, _ in options))


def values_of(part: Any, pool: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    words = [word for word, _ in part.options]
    if part.kind == "choice":
        return st.sampled_from(words)
    if part.kind == "when":
        return whens(part.options)
    if part.kind == "whole" and part.high == 5:
        return st.integers(1, 5)
    if part.kind == "whole":
        return st.integers(0, 5) if part.name == "times" and part.title != "Points" else (
            st.sampled_from((0, 40, 41, 250)))  # fmt: skip
    if part.kind == "amount":
        return st.sampled_from(("0", "15", "20.00" if part.decimals == 2 else "20.0", "33.3", "60"))
    drawn = words or pool[part.lookup]
    some = st.lists(st.sampled_from(drawn), min_size=1, max_size=2)
    return st.none() | some if part.optional else some


def rules(world: World, fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    pool = pools(world)

    def one(name: str) -> st.SearchStrategy[dict[str, Any]]:
        parts = {part.name: values_of(part, pool) for part in PARTS[name]}
        return st.fixed_dictionaries({"field": st.just(name), **parts})

    term = st.sampled_from(fields).flatmap(one)
    match = st.sampled_from(("all", "any", "none"))

    def group(inner: Any) -> st.SearchStrategy[dict[str, Any]]:
        of = st.lists(inner, min_size=1, max_size=3)
        return st.fixed_dictionaries({"match": match, "of": of})

    return group(st.recursive(term, group, max_leaves=5))


ALONE = [name for name in FIELDS if name != "segment"]


def found_by(definition: Any, vendor_id: int | None) -> set[int]:
    with begin() as session:
        rule = segments.checked(session, definition, vendor_id=vendor_id)
        scope = segment_sql.scope_of(session, vendor_id, rule)
        return set(session.scalars(segment_sql.customers(rule, scope)))


@pytest.mark.parametrize("who", ["admin", "vendor"])
def test_every_rule_finds_whom_it_means(world: World, who: str) -> None:
    vendor_id = None if who == "admin" else world.vendors[0]
    actor = admin_actor() if who == "admin" else vendor_actor(world.vendors[0])
    mine = world if who == "admin" else of_vendor(world, world.vendors[0])

    @examples(30)
    @given(definition=rules(mine, ALONE))
    def check(definition: dict[str, Any]) -> None:
        rule = read(definition, PARTS)
        meant = Reading(world, vendor_id).finds(rule)
        with acting(actor):
            assert found_by(definition, vendor_id) == meant
            with begin() as session:
                one = next(c for c in mine.customers if not c.archived)
                scope = segment_sql.scope_of(session, vendor_id, rule)
                verdicts = segment_sql.verdicts(session, rule, scope, one.id)
                assert verdicts[""] is (one.id in meant)
                names = segment_words.names_of(session, rule)
                said = segment_words.summary(rule, names)
                assert (said and said[0].isupper()) or not said[0].isalpha()
        assert read(rule.kept(), PARTS) == rule

    check()


def of_vendor(world: World, vendor_id: int) -> World:
    """What one vendor has: half of everything was made for each."""
    half = world.vendors.index(vendor_id)
    part = lambda things: [*things][len(things) // 2 * half :][: len(things) // 2]  # noqa: E731
    return World(
        [vendor_id], [c for c in world.customers if c.vendor_id == vendor_id], world.parents,
        {k: world.service_category[k] for k in part(world.service_category)},
        {k: world.service_kind[k] for k in part(world.service_kind)},
        {k: world.product_category[k] for k in part(world.product_category)},
        part(world.plans), part(world.packages), part(world.tiers),
    )  # fmt: skip


@pytest.mark.parametrize("field", ALONE)
def test_each_field_alone_finds_somebody_and_not_everybody(world: World, field: str) -> None:
    """No field whose rule were never or always true could pass the property by chance."""
    seen: set[frozenset[int]] = set()

    @examples(6)
    @given(definition=rules(of_vendor(world, world.vendors[0]), [field]))
    def check(definition: dict[str, Any]) -> None:
        with acting(vendor_actor(world.vendors[0])):
            found = found_by(definition, world.vendors[0])
        assert found == Reading(world, world.vendors[0]).finds(read(definition, PARTS))
        seen.add(frozenset(found))

    check()
    assert len(seen) > 1


# --- kept, worked out, and its history ---------------------------------------------------------

ACTIVE = {"match": "all", "of": [{"field": "status", "words": ["active"]}]}


TAGGED = [{"field": "tag", "has": "has", "texts": ["vip"]}]


def asks_for(*ids: int, how: str = "in") -> dict[str, Any]:
    return {"match": "all", "of": [{"field": "segment", "in": how, "ids": list(ids)}]}


def open_in(session: Any, segment_id: int) -> set[int]:
    member = SegmentMembership
    found = select(member.customer_id).where(member.segment_id == segment_id)
    return set(session.scalars(found.where(member.exited_at.is_(None))))


def was_in(session: Any, segment_id: int, at: datetime) -> set[int]:
    member = SegmentMembership
    found = select(member.customer_id).where(
        member.segment_id == segment_id, member.entered_at <= at,
        or_(member.exited_at.is_(None), member.exited_at > at),
    )  # fmt: skip
    return set(session.scalars(found))


def test_a_snapshot_is_the_rule_at_its_moment_and_its_history_replays(world: World) -> None:
    mine = [c.id for c in world.customers if c.vendor_id == world.vendors[0] and not c.archived]
    rng, told = random.Random(3), {}
    with acting(vendor_actor(world.vendors[0])):
        with begin() as session:
            number = segments.save(session, name="Active", definition=ACTIVE).id
        for hour in range(6):
            at = NOW + timedelta(hours=hour * 9)
            with clock.stopped_at(at), begin() as session:
                changed = rng.sample(mine, 6)
                status = rng.choice(("active", "inactive"))
                session.execute(update(Customer).where(Customer.id.in_(changed)).values(
                    status=status, archived_at=at if rng.random() < 0.3 else None))  # fmt: skip
                built = segments.build(session, segment_id=number)
                assert built is not None
                assert built.built_at == at
                found, _ = segments.live(session, built)
                told[at] = set(session.scalars(found))
                assert open_in(session, number) == told[at]
                assert built.size == len(told[at])
        with begin() as session:
            for at, were in told.items():
                assert was_in(session, number, at) == were
                between = at + timedelta(minutes=5)
                assert was_in(session, number, between) == were
            days = session.scalars(select(SegmentDay).order_by(SegmentDay.day)).all()
            size = 0
            for day in days:
                size += day.entered - day.exited
                assert day.size == size
            assert len({frozenset(were) for were in told.values()}) > 2
            assert 1 < len(days) < 6


def test_a_segment_of_the_marketplace_is_offered_by_its_name_alone(world: World) -> None:
    for actor in (vendor_actor(world.vendors[0]), SYSTEM):
        with acting(actor), begin() as session:
            number = segments.save(session, name="A", definition=ACTIVE).id
            segments.build(session, segment_id=number)
    with acting(SYSTEM), begin() as session:
        vendor = session.get_one(Vendor, world.vendors[0]).name
        offered = matching.choices(session, Filters(), "segment")
    assert {one.label for one in offered} == {"A", f"A · {vendor}"}


@pytest.mark.parametrize("of", ["vendor", "everybody"])
def test_whoever_was_in_a_segment_that_is_removed_goes_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    actor = vendor_actor(world.vendors[0]) if of == "vendor" else SYSTEM
    monkeypatch.setattr(segments, "BATCH", 4)
    with acting(actor), begin() as session:
        gone, kept = (segments.save(session, name=n, definition=ACTIVE).id for n in ("A", "B"))
        for number in (gone, kept):
            segments.build(session, segment_id=number)
        size = len(open_in(session, kept))
        assert tasks.clear.run(segment_id=kept) == 0, "it is here"
        segments.remove(session, segment_id=gone)
    with acting(actor), begin() as session:
        assert session.get(Segment, gone) is None
        assert len(open_in(session, gone)) == size, "nobody waits for them"
        assert session.scalars(matching.matching(Filters(segments=(gone,)))).all() == []
        promised = select(OutboxMessage.payload).where(OutboxMessage.task == segments.CLEAR)
        assert [one["segment_id"] for one in session.scalars(promised)] == [gone]
        assert segments.build(session, segment_id=gone) is None
        segments.save(session, name="A", definition=ACTIVE)
    with acting(actor):
        assert (tasks.clear.run(segment_id=gone), tasks.clear.run(segment_id=gone)) == (size, 0)
        assert size > segments.BATCH
        with begin() as session:
            assert (open_in(session, gone), len(open_in(session, kept))) == (set(), size)
            days = select(SegmentDay.id).where(SegmentDay.segment_id == gone)
            assert session.scalars(days).all() == []


def test_a_change_makes_a_version_and_an_old_page_cannot_undo_it(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        one = segments.save(session, name=" Active\x00 ones ", definition=ACTIVE)
        assert (one.name, one.version) == ("Active ones", 1)
        segments.save(session, segment_id=one.id, name="Same", definition=ACTIVE, seen=1)
        assert one.version == 1
        other = {"match": "none", "of": ACTIVE["of"]}
        segments.save(session, segment_id=one.id, name="Same", definition=other, seen=1)
        assert one.version == 2
        with pytest.raises(ChangedMeanwhile):
            segments.save(session, segment_id=one.id, name="Same", definition=ACTIVE, seen=1)
        names = segment_words.names_of(session, segments.rule_of(one))
        assert segment_words.summary(segments.rule_of(one), names) == "Not (is active)"


def test_segments_in_segments_are_worked_out_and_never_in_a_circle(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        a = segments.save(session, name="A", definition=ACTIVE)
        b = segments.save(session, name="B", definition=asks_for(a.id, how="not_in"))
        c = segments.save(session, name="C", definition=asks_for(a.id, b.id))
        found = {
            one.name: set(session.scalars(segments.live(session, one)[0])) for one in (a, b, c)
        }
        assert not found["A"] & found["B"]
        assert found["A"] | found["B"] == found["C"]
        with pytest.raises(segment_sql.Circle) as refused:
            segments.save(session, segment_id=a.id, name="A", definition=asks_for(c.id))
        assert refused.value.field == "of.0.ids"
        with pytest.raises(segment_sql.Circle):
            segments.save(session, segment_id=a.id, name="A", definition=asks_for(a.id))
        with pytest.raises(segments.SegmentAskedFor):
            segments.remove(session, segment_id=a.id)
        segments.remove(session, segment_id=c.id)
        one = next(iter(found["A"]))
        assert segments.holds(session, segment_id=a.id, customer_id=one)
        assert not segments.holds(session, segment_id=b.id, customer_id=one)


def test_segments_that_ask_for_many_others_are_refused_before_they_cost_anything(
    world: World,
) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        with pytest.raises(Misread) as refused:
            pile(session, 10, lambda before: {"match": "any", "of": asks_for(before)["of"] * 10})
        assert refused.value.field == "of.2.ids"
        with pytest.raises(Misread) as refused:
            pile(session, 60, sunk)
        assert refused.value.field == "of.0.of.0.of.0.of.0.of.0.ids"


def pile(session: Any, high: int, rule: Any) -> None:
    """Segments that each ask for the one before, and are worked out."""
    last = segments.save(session, name=f"Pile {make.number()}", definition=ACTIVE).id
    for _ in range(high):
        name = f"Pile {make.number()}"
        last = segments.save(session, name=name, definition=rule(last)).id
        segments.build(session, segment_id=last)


def sunk(before: int) -> dict[str, Any]:
    """A rule that asks for a segment as deep inside as a rule can."""
    rule: dict[str, Any] = {"match": "all", "of": [*asks_for(before)["of"], *TAGGED]}
    for _ in range(4):
        rule = {"match": "none", "of": [rule, *TAGGED]}
    return rule


def test_another_vendors_things_and_segments_are_not_here(world: World) -> None:
    theirs = of_vendor(world, world.vendors[1])
    with acting(vendor_actor(world.vendors[1])), begin() as session:
        foreign = segments.save(session, name="Theirs", definition=ACTIVE).id
        segments.build(session, segment_id=foreign)
    with acting(SYSTEM), begin() as session:
        market = segments.save(session, name="Everybody active", definition=ACTIVE)
        segments.build(session, segment_id=market.id)
        assert {m.vendor_id for m in session.scalars(select(SegmentMembership))} == {*world.vendors}
        with pytest.raises(Misread):
            segments.save(session, name="X", definition=asks_for(foreign))
        market_id = market.id
    pool = pools(theirs)
    asked = [{"field": "bought_service", "op": "at_least", "times": 1, "when": {"is": "ever"},
              "ids": pool["service"][:1]},
             {"field": "tier", "ids": pool["tier"]},
             {"field": "membership", "held": "holds", "ids": pool["plan"]}]  # fmt: skip
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        for term in asked:
            with pytest.raises(Misread) as refused:
                segments.save(session, name="X", definition={"match": "all", "of": [term]})
            assert refused.value.field == "of.0.ids"
        for number in (foreign, market_id):
            assert session.get(Segment, number) is None
            with pytest.raises(Misread):
                segments.save(session, name="X", definition=asks_for(number))
            with pytest.raises(DomainError):
                segments.remove(session, segment_id=number)


def nest(deep: int) -> dict[str, Any]:
    inner: dict[str, Any] = dict(ACTIVE)
    for _ in range(deep):
        inner = {"match": "all", "of": [inner]}
    return inner


BOUGHT = {"field": "visits", "op": "at_least", "times": 1, "when": {"is": "ever"}}
SPENT = {"field": "spent", "op": "at_least", "amount": "1", "what": "all", "when": {"is": "ever"}}
HOSTILE: list[tuple[Any, str]] = [
    ("", "of"), ("[" * 50_000, "of"), ("{", "of"), ("[]", "of"), ("null", "of"), (None, "of"),
    ({"match": "all", "of": []}, "of"), ({"match": "most", "of": []}, "match"),
    *(({"match": bad, "of": []}, "match") for bad in (["all"], {"all": 1}, None, 7)),
    ({"match": "all", "of": {}}, "of"), ({"match": "all", "of": [7]}, "of.0"),
    ({"match": "all", "of": [ACTIVE["of"][0]] * 41}, "of"), (nest(5), "of.0.of.0.of.0.of.0.of.0"),
    ({"match": "all", "of": [{"match": "any", "of": []}]}, "of.0"),
    ({"match": "all", "of": [{"field": "password"}]}, "of.0.field"),
    ({"match": "all", "of": [{"field": ["visits"]}]}, "of.0.field"),
    ({"match": "all", "of": [BOUGHT | {"sql": "1=1"}]}, "of.0"),
    ({"match": "all", "of": [{"field": "visits"}]}, "of.0.op"),
    *(({"match": "all", "of": [BOUGHT | {"times": bad}]}, "of.0.times")
      for bad in (float("nan"), float("inf"), 10**40, -1, "1.5", "x", True, [1], "1" * 9_000)),
    *(({"match": "all", "of": [SPENT | {"amount": bad}]}, "of.0.amount")
      for bad in ("NaN", "Infinity", "1e400", "-0.01", "0.001", "\0")),
    *(({"match": "all", "of": [BOUGHT | {"when": {"is": "last", "days": bad}}]}, "of.0.when.days")
      for bad in (0, 4_000, None, "x")),
    ({"match": "all", "of": [BOUGHT | {"when": {"is": "between", "from": "2026-05-02",
                                                "to": "2026-05-01"}}]}, "of.0.when.to"),
    ({"match": "all", "of": [BOUGHT | {"when": {"is": "between", "from": "9999-01-01",
                                                "to": "9999-01-02"}}]}, "of.0.when.from"),
    *(({"match": "all", "of": [BOUGHT | {"when": bad}]}, "of.0.when")
      for bad in ("ever", {"is": ["ever"]}, {"is": {}}, {"is": None}, [{"is": "ever"}])),
    ({"match": "all", "of": [{"field": "status", "words": ["gone"]}]}, "of.0.words"),
    *(({"match": "all", "of": [{"field": "tag", "has": "has", "texts": bad}]}, "of.0.texts")
      for bad in ([], ["\0"], ["\ud800"], ["x" * 101], [7], ["a"] * 51)),
    *(({"match": "all", "of": [{"field": "tier", "ids": bad}]}, "of.0.ids")
      for bad in ([2**63], [-1], [True], [1.5], ["x"], [list("1")], [str(10**60)], [999_999],
                  ["0" * 19 + "1" + "9" * 40])),
    ({"match": "all", "of": [{"field": "country", "texts": ["Portugal"]}]}, "of.0.texts"),
    *(({"match": "all", "of": [{"field": "city", "texts": bad}]}, "of.0.texts")
      for bad in ([" "], ["\u202e"])),
    (asks_for(2**62), "of.0.ids"),
]  # fmt: skip


def test_whatever_cannot_be_meant_is_refused_at_its_place(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        for definition, place in HOSTILE:
            with pytest.raises(Misread) as refused:
                segments.save(session, name="X", definition=definition)
            assert refused.value.field == place, definition
            assert str(refused.value).count(". ") == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"field": "visits", "op": "at_least", "times": 0, "when": {"is": "ever"}},
         "Visited at least 0 times"),
        ({"field": "visits", "op": "at_least", "times": 1, "when": {"is": "ever"}}, "Visited"),
        ({"field": "spent", "op": "at_least", "amount": "-0", "what": "all",
          "when": {"is": "ever"}}, "Spent at least 0.00"),
    ],
)  # fmt: skip
def test_what_is_said_of_nothing_is_true(typed: dict[str, Any], said: str) -> None:
    """At least no visit is everybody, not those who visited."""
    rule = read({"match": "all", "of": [typed]}, PARTS)
    assert segment_words.summary(rule, lambda *_: "") == said


def test_while_it_is_written_it_is_counted_and_a_few_are_shown(world: World) -> None:
    meant = Reading(world, world.vendors[0]).finds(read(ACTIVE, PARTS))
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        seen = segments.look(session, rule=read(ACTIVE, PARTS), vendor_id=world.vendors[0])
        assert str(seen.count) == str(len(meant))
        assert [c.id for c in seen.customers] == sorted(meant, reverse=True)[:10]


def test_where_an_exact_number_costs_too_much_it_is_capped_or_left_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    real = segments._within

    def slow(session: Any, patience: int, found: Any) -> Any:
        tries.append(patience)
        return real(session, patience, found) if len(tries) == 2 else None

    monkeypatch.setattr(segments, "_within", slow)
    monkeypatch.setattr(segments, "MOST_COUNTED", 3)
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        rule = read(ACTIVE, PARTS)
        seen = segments.look(session, rule=rule, vendor_id=world.vendors[0])
        assert str(seen.count) == "3+"
        assert tries == [segments.QUICK_MS, segments.LONG_MS]
        assert segments.look(session, rule=rule, vendor_id=world.vendors[0]).count is None


def test_forgetting_somebody_leaves_no_trace_in_segments(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        one = segments.save(session, name="Active", definition=ACTIVE)
        segments.build(session, segment_id=one.id)
        who = next(iter(open_in(session, one.id)))
        forgetting.forget(session, customer_id=who)
        left = select(SegmentMembership.id).where(SegmentMembership.customer_id == who)
        assert session.scalars(left).first() is None
        segments.build(session, segment_id=one.id)
        assert who not in open_in(session, one.id)


# --- the list that reports and segments lead to ------------------------------------------------


def listed(**asked: Any) -> set[int]:
    """Whom the list shows, its pages and counts agreeing."""
    filters = Filters.from_query([(k, v) for k, several in asked.items() for v in several])
    with begin() as session:
        found = set(session.scalars(matching.matching(filters)))
        page = matching.page(session, filters, size=100)
        assert {row.id for row in page.rows} == found
        assert matching.count(session, filters, 1_000).number == len(found)
        for name in asked:
            matching.choices(session, filters, name)
    return found


def test_the_list_is_filtered_by_segment_group_and_first_purchase(world: World) -> None:
    home = world.vendors[0]
    alive = [c.id for c in world.customers if c.vendor_id == home and not c.archived]
    firsts = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 9)]
    later = date(2026, 5, 4)
    with acting(admin_actor()), begin() as session:
        hair, food = make.category(session).id, make.category(session, kind="product").id
        cuts = make.category(session, parent_id=hair).id
    with acting(vendor_actor(home)):
        with begin() as session:
            session.execute(delete(CustomerScore))
            channels = ("online", "walk_in", "online", "phone")
            categories = (cuts, hair, food, 0)
            for number, first, channel, category in zip(
                alive, firsts, channels, categories, strict=False
            ):
                session.add(CustomerScore(
                    customer_id=number, vendor_id=home, first_on=first, last_on=later, days=2,
                    visits=2, orders=0, revenue=Decimal(10), first_channel=channel,
                    first_category_id=category, bought_on=[first, later],
                    bought_for=[Decimal(5)] * 2,
                    segment="at_risk" if number == alive[0] else "new",
                ))  # fmt: skip
            one = segments.save(session, name="Active", definition=ACTIVE)
            segments.build(session, segment_id=one.id)
            members, number = open_in(session, one.id), str(one.id)
            above, below, things = str(hair), str(cuts), str(food)
        assert listed(segment=[number]) == members
        assert listed(segment=[number], status=["inactive"]) == set()
        assert listed(group=["at_risk"]) == {alive[0]}
        assert listed(group=["at_risk", "new"]) == set(alive[:4])
        assert listed(cohort=["2026-03"]) == set(alive[1:4])
        assert listed(cohort=["2026-W10"]) == {alive[2]}  # 2 to 8 March
        assert listed(cohort=["2026-02", "2026-W11"]) == {alive[0], alive[3]}
        assert listed(first_channel=["online"]) == {alive[0], alive[2]}
        assert listed(first_channel=["phone", "online"], cohort=["2026-03"]) == set(alive[2:4])
        assert listed(first_category=[above]) == set(alive[:2])
        assert listed(first_category=[below, things]) == {alive[0], alive[2]}
        assert listed(first_category=[above], first_channel=["phone"]) == set()
        assert listed(first_category=["987654321"]) == set()
        assert listed(bought_from=["2026-03-02"], bought_to=["2026-03-09"]) == set(alive[2:4])
        assert listed(bought_from=["2026-03-10"], bought_to=["2026-05-03"]) == set()
        assert listed(bought_from=["2026-05-04"], cohort=["2026-03"]) == set(alive[1:4])
        assert listed(bought_to=["2026-02-28"]) == {alive[0]}
        assert listed(first_to=["2026-02-28"], bought_from=["2026-03-01"]) == {alive[0]}
        assert listed(first_from=["2026-03-01"], bought_from=["2026-03-01"]) == set(alive[1:4])
    with acting(vendor_actor(world.vendors[1])):
        assert listed(segment=[number]) == set()
    with acting(SYSTEM):
        assert listed(segment=[number]) == members
        assert listed(segment=[number], vendor=[str(world.vendors[1])]) == set()


def test_whoever_is_in_a_segment_of_the_marketplace_is_not_found_out_by_a_vendor(
    world: World,
) -> None:
    with acting(SYSTEM), begin() as session:
        market = segments.save(session, name="Everybody active", definition=ACTIVE)
        segments.build(session, segment_id=market.id)
        assert market.size
        number = str(market.id)
    with acting(vendor_actor(world.vendors[0])):
        assert listed(segment=[number]) == set()


def asking(*numbers: int) -> dict[str, Any]:
    """The rule of those who are in one of these segments."""
    return {"match": "all", "of": [{"field": "segment", "in": "in", "ids": [*numbers]}]}


@pytest.mark.parametrize("second", ["asks back", "is removed"])
def test_two_at_once_make_no_circle_and_remove_nothing_that_is_asked_for(
    fresh_database: str, second: str
) -> None:
    vendor = vendor_actor(make.new_vendor())
    with acting(vendor), begin() as session:
        one, other = (
            segments.save(session, name=name, definition=ACTIVE).id for name in ("One", "Other")
        )
    found: list[str] = []

    def meanwhile() -> None:
        try:
            with acting(vendor), begin() as session:
                if second == "is removed":
                    segments.remove(session, segment_id=other)
                else:
                    segments.save(session, name="Other", definition=asking(one), segment_id=other)
        except DomainError as refusal:
            found.append(type(refusal).__name__)

    thread = threading.Thread(target=meanwhile)
    with acting(vendor), begin() as session:
        segments.save(session, name="One", definition=asking(other), segment_id=one)
        thread.start()
        thread.join(0.5)  # it waits, or is done before anybody could know
    thread.join()
    assert found == ["SegmentAskedFor" if second == "is removed" else "Circle"]
