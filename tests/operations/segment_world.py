"""A world for rules of segments: records, the same as plain facts, and a naive reading of these."""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select

from app import clock
from app.contact import fold
from app.database import begin
from app.operations import interests
from app.operations.segment_terms import Group, Term, When
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.scores import CustomerScore
from models.segments import SegmentMembership
from tests import make
from tests.server import undone

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


@pytest.fixture
def world(segmented: tuple[Engine, World]) -> Iterator[World]:
    """The world at `NOW`, in a transaction of its own."""
    with undone(segmented[0]), clock.stopped_at(NOW):
        yield segmented[1]


def made() -> World:
    """Two vendors with what segments ask for, and as plain facts the same."""
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


def of_vendor(world: World, vendor_id: int) -> World:
    """What one vendor has: half of everything was made for each."""
    half = world.vendors.index(vendor_id)

    def part(things: Collection[int]) -> list[int]:
        many = len(things) // 2
        return [*things][many * half :][:many]

    return World(
        [vendor_id], [c for c in world.customers if c.vendor_id == vendor_id], world.parents,
        {k: world.service_category[k] for k in part(world.service_category)},
        {k: world.service_kind[k] for k in part(world.service_kind)},
        {k: world.product_category[k] for k in part(world.product_category)},
        part(world.plans), part(world.packages), part(world.tiers),
    )  # fmt: skip


ACTIVE = {"match": "all", "of": [{"field": "status", "words": ["active"]}]}
TAGGED = [{"field": "tag", "has": "has", "texts": ["vip"]}]


def asks_for(*ids: int, how: str = "in") -> dict[str, Any]:
    return {"match": "all", "of": [{"field": "segment", "in": how, "ids": list(ids)}]}


def open_in(session: Any, segment_id: int) -> set[int]:
    member = SegmentMembership
    found = select(member.customer_id).where(member.segment_id == segment_id)
    return set(session.scalars(found.where(member.exited_at.is_(None))))
