"""Every mix of filters finds whom a naive reading of the records finds, on every way."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.contact import fold, query_words
from app.database import begin
from app.operations import choices as choices_module
from app.operations import counting, matching, paging
from app.operations.filters import Alone
from app.operations.matching import PARAMETERS, Filters
from app.tenancy import SYSTEM, Actor, acting, admin_actor, vendor_actor
from tests import make
from tests.chance import examples
from tests.server import TestServer, own_database, undone

KINDS = ("appointment", "class", "lab_test", "stay")
CITIES = ("Zürich", "Lisboa", "são paulo")
TAGS = ("vip", "new", "late payer")
NAMES = ("Ana Sá", "Anna Müller", "Jo Müller", "Øyvind Berg")


@dataclass
class Facts:
    """What is known of a customer, as plain values."""

    id: int
    vendor_id: int
    zone: str
    status: str
    channel: str
    at: datetime
    archived: bool
    words: set[str]
    name: str
    bought: set[tuple[str, int, int | None]] = field(default_factory=set)
    packages: set[tuple[int, bool]] = field(default_factory=set)
    plans: set[tuple[int, bool]] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    cities: set[str] = field(default_factory=set)


@dataclass
class World:
    vendors: list[int]
    customers: list[Facts]
    parents: dict[int, int | None]
    categories: dict[str, list[int]]
    services: list[int]
    products: list[int]
    packages: list[int]
    plans: list[int]

    def within(self, category: int | None, root: int) -> bool:
        while category is not None:
            if category == root:
                return True
            category = self.parents[category]
        return False


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The world and its database, made once: nobody here changes it."""
    with own_database(server) as engine:
        yield engine, _made()


@pytest.fixture
def world(built: tuple[Engine, World]) -> Iterator[World]:
    """The world, in a transaction of its own."""
    with undone(built[0]):
        yield built[1]


def _made() -> World:
    """Two vendors far apart on the clock, with seventy customers who bought at random."""
    rng = random.Random(7)
    with acting(SYSTEM), begin() as session:
        parents: dict[int, int | None] = {}
        categories: dict[str, list[int]] = {"service": [], "product": []}
        for kind, found in categories.items():
            for parent in (None, 0, 0, 1):
                above = None if parent is None else found[parent]
                found.append(make.category(session, kind=kind, parent_id=above).id)
                parents[found[-1]] = above
        vendors = [make.vendor(session, time_zone=z) for z in ("Europe/Lisbon", "Pacific/Auckland")]
        world = World([v.id for v in vendors], [], parents, categories, [], [], [], [])
    for vendor in vendors:
        with acting(vendor_actor(vendor.id)), begin() as session:
            _fill(session, world, vendor, rng)
    return world


def _fill(session: Any, world: World, vendor: Any, rng: random.Random) -> None:
    items: dict[str, list[Any]] = {"service": [], "product": []}
    for category in [None, *world.categories["service"]]:
        items["service"].append(
            make.service(session, category_id=category, kind=rng.choice(KINDS)))  # fmt: skip
    for category in [None, *world.categories["product"]]:
        items["product"].append(make.product(session, category_id=category, variants=0))
    packages = [make.package(session) for _ in range(2)]
    plans = [make.plan(session) for _ in range(2)]
    tags = {name: make.tag(session, name=name) for name in TAGS}
    world.services += [s.id for s in items["service"]]
    world.products += [p.id for p in items["product"]]
    world.packages += [p.id for p in packages]
    world.plans += [p.id for p in plans]
    for _ in range(35):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=rng.randrange(0, 96))
        name, status = rng.choice(NAMES), rng.choice(("active", "active", "inactive",
                                                      "pending_follow_up"))  # fmt: skip
        channel, archived = rng.choice(("online", "phone", "import")), rng.random() < 0.15
        row = make.customer(session, full_name=name, status=status, channel=channel,
                            last_activity_at=at, archived_at=at if archived else None)  # fmt: skip
        facts = Facts(row.id, vendor.id, vendor.time_zone, status, channel, at, archived,
                      set(row.search_text.split()), fold(name))  # fmt: skip
        for item in rng.sample(items["service"], rng.randrange(0, 4)):
            make.interest(session, customer=row, kind=item.kind, item_id=item.id,
                          category_id=item.category_id)  # fmt: skip
            facts.bought.add((item.kind, item.id, item.category_id))
        for item in rng.sample(items["product"], rng.randrange(0, 4)):
            make.interest(session, customer=row, kind="product", item_id=item.id,
                          category_id=item.category_id)  # fmt: skip
            facts.bought.add(("product", item.id, item.category_id))
        for package in rng.sample(packages, rng.randrange(0, 2)):
            active = rng.random() < 0.5
            make.holding(session, customer=row, package=package,
                         status="active" if active else "used_up")  # fmt: skip
            facts.packages.add((package.id, active))
        for plan in rng.sample(plans, rng.randrange(0, 2)):
            active = rng.random() < 0.5
            make.membership(session, customer=row, plan=plan,
                            status="paused" if active else "ended")  # fmt: skip
            facts.plans.add((plan.id, active))
        for tag in rng.sample(TAGS, rng.randrange(0, 3)):
            make.customer_tag(session, customer=row, tag=tags[tag])
            facts.tags.add(tag)
        for city in rng.sample(CITIES, rng.randrange(0, 3)):
            make.address(session, customer=row, city=city)
            facts.cities.add(fold(city))
        world.customers.append(facts)


def expected(world: World, actor: Actor, f: Filters) -> set[int]:
    """Whom the filters mean, read the slow way."""
    own = actor.vendor_id if actor.role == "app_vendor" else f.vendor_id
    return {c.id for c in world.customers if own in (None, c.vendor_id) and _fits(world, c, f, own)}


def _fits(world: World, c: Facts, f: Filters, own: int | None) -> bool:
    day = c.at.astimezone(ZoneInfo(c.zone if own else "UTC")).date()
    held = [(p, now) for p, now in c.packages] if f.packages or not f.plans else []
    joined = [(p, now) for p, now in c.plans] if f.plans or not f.packages else []
    held = [h for h in held if not f.packages or h[0] in f.packages]
    joined = [j for j in joined if not f.plans or j[0] in f.plans]
    having = [now for _, now in held + joined]
    words = query_words(f.search) if f.search is not None else []
    return (
        not c.archived
        and (not f.statuses or c.status in f.statuses)
        and (not f.channels or c.channel in f.channels)
        and (f.activity_from is None or day >= f.activity_from)
        and (f.activity_to is None or day <= f.activity_to)
        and (f.search is None or bool(words))
        and all(any(w.startswith(q) for w in c.words) for q in words)
        and (not f.tags or bool(c.tags & set(f.tags)))
        and (not f.cities or bool(c.cities & set(f.cities)))
        and (not f.service_kinds or any(k in f.service_kinds for k, _, _ in c.bought))
        and (not f.services or any(k in KINDS and i in f.services for k, i, _ in c.bought))
        and (not f.products or any(k == "product" and i in f.products for k, i, _ in c.bought))
        and all(
            any(
                cat == root.id if isinstance(root, Alone) else world.within(cat, root)
                for _, _, cat in c.bought for root in roots
            )
            for roots in (f.service_categories, f.product_categories) if roots
        )
        and (not (f.packages or f.plans or f.holding)
             or any(now or f.holding != "holds" for now in having))
    )  # fmt: skip


def filters_of(world: World) -> st.SearchStrategy[Filters]:
    def some(values: Any, most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
        chosen = st.lists(st.sampled_from(list(values)), max_size=most, unique=True).map(tuple)
        return st.one_of(st.just(()), st.just(()), chosen)

    days = st.none() | st.dates(date(2026, 2, 28), date(2026, 3, 6))
    return st.builds(
        Filters,
        vendor_id=st.none() | st.sampled_from([*world.vendors, 2**63 - 1]),
        statuses=some(("active", "inactive", "pending_follow_up")),
        service_kinds=some(KINDS),
        service_categories=some([*each_way(world.categories["service"]), 2**62, Alone(2**62)]),
        services=some(world.services),
        product_categories=some(each_way(world.categories["product"])),
        products=some(world.products),
        packages=some(world.packages),
        plans=some(world.plans),
        holding=st.none() | st.sampled_from(("holds", "held")),
        tags=some((*TAGS, "unknown")),
        channels=some(("online", "phone", "import")),
        cities=some([fold(c) for c in CITIES]),
        activity_from=days,
        activity_to=days,
        search=st.none() | st.sampled_from(("an", "MULLER", "jo mü", "x", "-", "ana sa")),
    )


def each_way(categories: list[int]) -> list[int | Alone]:
    """With what lies below them, and alone."""
    return [*categories, *(Alone(one) for one in categories)]


def every_page(filters: Filters, sort: str, size: int) -> tuple[list[int], list[int]]:
    """The ids of all pages read forwards, and read backwards from the last page."""
    with begin() as session:
        seen: list[int] = []
        page = paging.page(session, filters, sort=sort, size=size)
        while True:
            seen += [c.id for c in page.rows]
            if page.next is None:
                break
            page = paging.page(session, filters, sort=sort, size=size, after=page.next)
        back = [c.id for c in page.rows]
        while page.prev is not None:
            page = paging.page(session, filters, sort=sort, size=size, before=page.prev)
            back = [c.id for c in page.rows] + back
        return seen, back


@pytest.fixture(params=["as it is", "short walks", "no small sets"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The thresholds, so that small data takes every way that large data takes."""
    if request.param != "as it is":
        monkeypatch.setattr(paging, "GLANCE", 3)
        monkeypatch.setattr(paging, "WALK", 5)
        monkeypatch.setattr(counting, "TRIES", 4)
        monkeypatch.setattr(counting, "RARE", 2)
    if request.param == "no small sets":
        monkeypatch.setattr(paging, "SMALL", 1)
    return str(request.param)


@pytest.mark.parametrize("who", ["admin", "vendor"])
def test_every_mix_of_filters_finds_whom_it_means(world: World, way: str, who: str) -> None:
    order = {c.id: (c.at, c.id) for c in world.customers}
    names = {c.id: (c.name, c.id) for c in world.customers}
    actor = admin_actor() if who == "admin" else vendor_actor(world.vendors[0])

    @examples(15)
    @given(filters=filters_of(world), sort=st.sampled_from(("activity", "newest", "name")),
           size=st.integers(1, 9))  # fmt: skip
    def check(filters: Filters, sort: str, size: int) -> None:
        meant = expected(world, actor, filters)
        with acting(actor):
            with begin() as session:
                assert set(session.scalars(matching.matching(filters))) == meant
                counted = matching.count(session, filters, 5)
                assert counted.number <= min(len(meant), 5)
                assert counted.capped or counted.number == len(meant)
            seen, back = every_page(filters, sort, size)
        key = {"activity": order.get, "newest": lambda i: i, "name": names.get}[sort]
        assert seen == sorted(meant, key=key, reverse=sort != "name")
        assert back == seen

    check()


ELSEWHERE = ("status", "segment", "group", "cohort", "first_channel", "first_category")
CHOSEN = {name: f for name, f in PARAMETERS.items() if f.endswith("s") and name not in ELSEWHERE}
"""The filters of several values: their names in an address, and in `Filters`."""


def test_the_choices_of_every_filter_count_whom_they_leave(world: World) -> None:
    actor = vendor_actor(world.vendors[1])
    base = Filters(statuses=("active",))
    with acting(actor), begin() as session:
        for name, one in CHOSEN.items():
            offered = matching.choices(session, base, name)
            assert offered, name
            for choice in offered:
                as_typed = int(choice.value) if choice.value.isdigit() else choice.value
                asked = Filters(statuses=("active",), **{one: (as_typed,)})
                assert choice.count == len(expected(world, actor, asked)), (name, choice)


def test_choices_of_a_sample_say_at_least(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices_module, "SAMPLE", 5)
    with acting(admin_actor()), begin() as session:
        offered = matching.choices(session, Filters(), "status")
    assert sum(choice.count or 0 for choice in offered) <= 5
    assert all(choice.capped for choice in offered)
    assert {choice.count_text for choice in offered if choice.count is None} <= {""}


def test_what_is_chosen_stays_offered(world: World) -> None:
    with acting(admin_actor()), begin() as session:
        chosen = Filters(service_categories=(world.categories["service"][0],), search="nobody")
        offered = matching.choices(session, chosen, "service_category")
    assert [(c.selected, c.count_text) for c in offered] == [(True, "0")]


HOSTILE = [
    ("vendor", "9" * 40), ("vendor", "-1"), ("vendor", "1e3"), ("vendor", "٣"), ("vendor", ""),
    ("service", str(2**63)), ("status", "gone"), ("status", "active\0"), ("channel", "ACTIVE"),
    ("tag", "\0"), ("tag", "\ud800"), ("tag", "x" * 10_000), ("city", "\0"), ("city", "   "),
    ("cohort", "2026-13"), ("cohort", "2025-W53"), ("cohort", "2026-3"), ("cohort", "٢٠٢٦-03"),
    ("cohort", "0001-W01"), ("group", "Champions'"), ("group", "\0"), ("segment", "-1"),
    ("first_channel", "Online"), ("first_category", "0"), ("first_category", "1\0"),
    ("bought_from", "2026-02-30"), ("bought_to", "99999-01-01"),
    ("activity_from", "2026-02-30"), ("activity_from", "99999-01-01"),
    ("activity_to", "0001-01-01"), ("holding", "both"), ("nothing", "x"), ("search", "\0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), HOSTILE)
def test_what_cannot_be_read_is_ignored(name: str, text: str) -> None:
    assert Filters.from_query([(name, text)]) == Filters()


SEARCHES = ["'", "\\", "a' | 'b", ":*", "& !", "%", "_", "\x00ana", "\ud800", "a" * 5_000, "<->"]


@pytest.mark.parametrize("text", SEARCHES)
@pytest.mark.parametrize("who", [0, None])
def test_no_search_text_breaks_the_search(world: World, text: str, who: int | None) -> None:
    actor = admin_actor() if who is None else vendor_actor(world.vendors[who])
    filters = Filters.from_query([("search", text)])
    with acting(actor):
        every_page(filters, "activity", 25)
        with begin() as session:
            matching.count(session, filters, 100)


CURSORS = ["", "x", "e30", "W10", "bnVsbA", "WyJhY3Rpdml0eSIsIjIwMjYiLDFd", "\0", "é", "A" * 9_000]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_cannot_be_read_starts_at_the_beginning(world: World, cursor: str) -> None:
    with acting(admin_actor()), begin() as session:
        for sort in ("activity", "newest", "name", "by magic"):
            first = paging.page(session, Filters(), sort=sort)
            assert paging.page(session, Filters(), sort=sort, after=cursor) == first
            assert paging.page(session, Filters(), sort=sort, before=cursor) == first


def test_the_address_says_the_filters_and_back(world: World) -> None:
    @examples(40)
    @given(filters_of(world))
    def check(filters: Filters) -> None:
        again = Filters.from_query(filters.to_query())
        assert again == filters
        turned = Filters.from_query(reversed(filters.to_query()))
        assert turned.fingerprint == filters.fingerprint

    check()


def test_a_vendor_finds_nobody_elses_customers_whatever_the_address_says(world: World) -> None:
    mine, other = world.vendors
    theirs = Filters.from_query([("vendor", str(other)), ("product", str(world.products[-1]))])
    with acting(vendor_actor(mine)), begin() as session:
        found = {c.vendor_id for c in paging.page(session, theirs).rows}
        named = matching.choices(session, Filters(), "vendor")
    assert found <= {mine}
    assert [choice.value for choice in named] == [str(mine)]


def test_filters_of_one_name_are_taken_away_together() -> None:
    asked = Filters(packages=(1,), plans=(2,), holding="holds", tags=("vip",))
    assert asked.without("package") == Filters(tags=("vip",))
    assert asked.without("tag") == Filters(packages=(1,), plans=(2,), holding="holds")
    assert not Filters()
    assert asked
