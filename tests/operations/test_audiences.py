"""Who buys, where they live, what they like: held against the customers themselves."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, update

from app import clock
from app.database import begin
from app.operations import audiences
from app.tenancy import SYSTEM, Actor, DatabaseRole, acting, vendor_actor
from models.audiences import (
    ANY_CATEGORY,
    ANY_CHANNEL,
    EVERYWHERE,
    ActiveFigures,
    EngagementFigures,
    PlaceFigures,
    PreferenceFigures,
)
from models.customers import Customer
from models.scores import CustomerMonth, CustomerScore
from reports.months import first_by, last_there, within
from reports.report import Filters, Period
from tasks.audiences import rebuild
from tests import make
from tests.server import TestServer, own_database, undone

MONTHS = [date(2025, n, 1) for n in range(7, 13)] + [date(2026, n, 1) for n in range(1, 12)]
Did = dict[tuple[int, int], dict[date, tuple[int, Decimal]]]
"""Days and money of each (vendor, customer) by month."""
First = tuple[str, int]
ASKED = (
    Filters(), Filters(channels=("online",)), Filters(channels=("online", "phone")),
    Filters(category_ids=(7,)), Filters(category_ids=(0, 8)), Filters(channels=("import",)),
    Filters(channels=("walk_in", "phone"), category_ids=(7, 8)),
)  # fmt: skip
"""Channels and categories of first purchases, as a reader asks for them."""


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, Did]]:
    """A database of this module, filled once and never changed, and what is in it."""
    with own_database(server) as engine:
        yield engine, filled()


@pytest.fixture
def did(built: tuple[Engine, Did]) -> Iterator[Did]:
    """What they did; what the test does is undone."""
    with undone(built[0]):
        yield deepcopy(built[1])


def filled() -> Did:
    """Three vendors with thirty customers each, of whom some are the same person."""
    random, told = Random(7), defaultdict(dict)
    with acting(SYSTEM), begin() as session:
        people = [make.person(session).id for _ in range(20)]
        for _ in range(3):
            vendor_id = make.vendor(session).id
            for n in range(30):
                person = people[n] if n < len(people) else None
                customer = make.customer(
                    session, vendor_id=vendor_id, person_id=person,
                    channel=random.choice(("online", "walk_in", "import")),
                )  # fmt: skip
                for month in random.sample(MONTHS, random.choice((0, 1, 1, 3, 9))):
                    days = random.choice((0, 1, 1, 2))
                    money = Decimal(random.randrange(-500 if not days else 0, 9000)) / 100
                    session.add(
                        CustomerMonth(
                            vendor_id=vendor_id, customer_id=customer.id, month=month, days=days,
                            visits=days, orders=1 if days else 0, services=money,
                            products=Decimal("1.50"), other=Decimal(-1),
                        )
                    )  # fmt: skip
                    told[vendor_id, customer.id][month] = days, money + Decimal("0.50")
                mine = told.get((vendor_id, customer.id), {})
                came = [month for month, (days, _) in mine.items() if days]
                if came:
                    make.score(
                        session, customer=customer, first_on=min(came),
                        first_channel=random.choice(("online", "walk_in", "phone")),
                        first_category_id=random.choice((0, 7, 8)),
                    )  # fmt: skip
        session.flush()
        for vendor_id in {vendor for vendor, _ in told}:
            audiences.rebuild(session, vendor_id=vendor_id)
        audiences.add_up(session)
    return dict(told)


def active(did: Did, vendor_id: int, first: date, last: date) -> set[int]:
    """Who had a day in these months."""
    return {
        customer
        for (vendor, customer), months in did.items()
        if vendor == vendor_id
        and any(days and first <= month <= last for month, (days, _) in months.items())
    }


@pytest.fixture
def firsts(did: Did) -> dict[int, First]:
    """Channel and category of each customer's first purchase, or how they came without one."""
    with acting(SYSTEM), begin() as session:
        came = session.execute(select(Customer.id, Customer.channel)).all()
        score = CustomerScore
        bought = session.execute(
            select(score.customer_id, score.first_channel, score.first_category_id)
        ).all()
    return {row[0]: (row[1], 0) for row in came} | {row[0]: (row[1], row[2]) for row in bought}


def fits(first: First, asked: Filters) -> bool:
    channel, category = first
    return (not asked.channels or channel in asked.channels) and (
        not asked.category_ids or category in asked.category_ids
    )


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_customers_of_any_months_are_counted_once(
    did: Did, firsts: dict[int, First], asked: Filters
) -> None:
    vendors = {vendor for vendor, _ in did}
    for first, last in ((0, 16), (3, 3), (2, 9), (10, 16), (0, 1), (16, 16)):
        period = Period(MONTHS[first].replace(day=17), MONTHS[last].replace(day=9))
        for table in (ActiveFigures, PlaceFigures):
            with acting(SYSTEM), begin() as session:
                found = dict(
                    session.execute(
                        select(table.vendor_id, func.sum(table.customers))
                        .where(within(table, period), last_there(table, period))
                        .where(*first_by(table, asked))
                        .group_by(table.vendor_id)
                    ).all()
                )
            for vendor_id in vendors:
                expected = active(did, vendor_id, MONTHS[first], MONTHS[last])
                assert found.get(vendor_id, 0) == sum(fits(firsts[c], asked) for c in expected)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_money_of_all_months_is_there_and_newcomers_are_new_once(
    did: Did, firsts: dict[int, First], asked: Filters
) -> None:
    money = Counter[int]()
    came = Counter[int]()
    for (vendor, customer), months in did.items():
        if months and fits(firsts[customer], asked):
            money[vendor] += sum(m for _, m in months.values())  # type: ignore[assignment]
            came[vendor] += any(days for days, _ in months.values())
    with acting(SYSTEM), begin() as session:
        sums = select(
            ActiveFigures.vendor_id, func.sum(ActiveFigures.revenue),
            func.sum(ActiveFigures.newcomers),
        ).where(*first_by(ActiveFigures, asked)).group_by(ActiveFigures.vendor_id)  # fmt: skip
        found = {vendor: (revenue, new) for vendor, revenue, new in session.execute(sums)}
        place = PlaceFigures.services + PlaceFigures.products + PlaceFigures.other
        places = dict(
            session.execute(
                select(PlaceFigures.vendor_id, func.sum(place))
                .where(*first_by(PlaceFigures, asked))
                .group_by(PlaceFigures.vendor_id)
            ).all()
        )
    assert found == {vendor: (money[vendor], came[vendor]) for vendor in money}
    assert places == ({**money, EVERYWHERE: sum(money.values())} if money else {})


def test_what_all_channels_and_categories_come_to_is_what_stands_beside_them(did: Did) -> None:
    engaged()
    for table in (ActiveFigures, PlaceFigures, EngagementFigures):
        each, of_each = table.channel != ANY_CHANNEL, table.category_id != ANY_CATEGORY
        of_all = summed(table, ~each, ~of_each)
        assert of_all
        assert summed(table, each, of_each) == of_all
        assert summed(table, each, ~of_each) == summed(table, ~each, of_each) == of_all


def summed(table: Any, *those: Any) -> set[tuple[Any, ...]]:
    """The sums of some rows, by all they are known by but channel and category."""
    columns = [c for c in table.__table__.c if c.name not in ("channel", "category_id", "city")]
    known_by = [c for c in columns if c.primary_key]
    sums = [func.sum(c) for c in columns if not c.primary_key]
    with acting(SYSTEM), begin() as session:
        rows = session.execute(select(*known_by, *sums).where(*those).group_by(*known_by))
        return {tuple(row) for row in rows}


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_people_are_counted_by_their_vendors(
    did: Did, firsts: dict[int, First], asked: Filters
) -> None:
    people = defaultdict[Any, set[int]](set)
    month = date(2026, 3, 1)
    with acting(SYSTEM), begin() as session:
        known = session.execute(select(CustomerMonth.customer_id, CustomerMonth.vendor_id))
        assert {tuple(row) for row in known} == {(c, v) for v, c in did}
        persons = dict(session.execute(select(Customer.id, Customer.person_id)).all())
        for _ in range(2):  # twice is as good as once
            audiences.engage(session, month=month)
        assert audiences.months(session)[0] == max(m for months in did.values() for m in months)
        score = CustomerScore
        earliest = select(score.customer_id).order_by(score.first_on.desc(), score.id.desc())
        first_of = {persons[c] or -c: firsts[c] for c in session.scalars(earliest)}
    for span, first in ((1, date(2026, 3, 1)), (3, date(2026, 1, 1)), (12, date(2025, 4, 1))):
        people.clear()
        for vendor_id in {vendor for vendor, _ in did}:
            for customer in active(did, vendor_id, first, month):
                people[persons[customer] or -customer].add(vendor_id)
        expected = Counter(
            min(len(at), 3) for person, at in people.items() if fits(first_of[person], asked)
        )
        table = EngagementFigures
        with acting(Actor(DatabaseRole.ANALYST)), begin() as session:
            found = dict(
                session.execute(
                    select(table.vendors, func.sum(table.people))
                    .where(table.span == span, *first_by(table, asked))
                    .group_by(table.vendors)
                ).all()
            )
        assert found == expected


def engaged() -> list[tuple[Any, ...]]:
    """All that is kept of people, after a night."""
    rebuild.apply().get()
    table = EngagementFigures.__table__
    with acting(SYSTEM), begin() as session:
        return [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]


def test_sales_that_come_and_go_years_later_are_counted(did: Did) -> None:
    engaged()
    with acting(SYSTEM), begin() as session:  # as lists of past sales bring them, and take back
        session.execute(delete(CustomerMonth).where(CustomerMonth.month == MONTHS[0]))
        (vendor_id, customer_id), _ = next(iter(did.items()))
        late = {"vendor_id": vendor_id, "customer_id": customer_id, "days": 3, "visits": 3}
        for month in (date(2024, 2, 1), date(2024, 9, 1)):
            session.add(CustomerMonth(month=month, services=Decimal(90), **late))
    after = engaged()
    months = {row[2] for row in after}
    assert {date(2024, 2, 1), date(2024, 9, 1)} < months
    assert MONTHS[0] not in months
    with acting(SYSTEM), begin() as session:
        session.execute(delete(EngagementFigures))
    assert engaged() == after


def test_files_that_are_found_to_be_one_person_are_counted_so_in_time(did: Did) -> None:
    engaged()
    with acting(SYSTEM), begin() as session:
        person = make.person(session).id
        session.execute(update(Customer).values(person_id=person))
    for night in range(len(MONTHS)):
        with clock.stopped_at(make.NOON + timedelta(days=night)):
            after = engaged()
    assert {row[5] for row in after if row[3] == 1} == {1}  # there is but one


def test_the_newest_address_says_where_somebody_lives(db: Connection) -> None:
    here = make.new_vendor()
    with acting(vendor_actor(here)), begin() as session:
        for city, code, country in (
            ("Porto", "4000-123", "PT"), ("porto", "4050-001", "PT"), ("Leeds", "LS1 4AP", "GB"),
            (None, "x' OR 1=1", None), (None, None, "PT"),
        ):  # fmt: skip
            customer = make.customer(session)
            make.address(session, customer=customer, city="Before", postal_code="1")
            make.address(session, customer=customer, city=city, postal_code=code, country=country)
            _bought(session, customer)
        _bought(session, make.customer(session))
    with acting(SYSTEM), begin() as session:
        audiences.rebuild(session, vendor_id=here)
        table = PlaceFigures
        found = {
            tuple(row)[:3]: tuple(row)[3:]
            for row in session.execute(
                select(
                    table.country, table.city_key, table.area, table.customers, table.services
                ).where(*first_by(table, Filters()))
            )
        }
    assert found == {
        ("PT", "porto", "40"): (2, 20), ("GB", "leeds", "LS"): (1, 10), ("", "", "X"): (1, 10),
        ("PT", "before", "1"): (1, 10), ("", "", ""): (1, 10),
    }  # fmt: skip


def _bought(session: Any, customer: Any) -> None:
    session.add(
        CustomerMonth(
            vendor_id=customer.vendor_id, customer_id=customer.id, month=date(2026, 10, 1),
            days=1, visits=1, services=Decimal(10),
        )
    )  # fmt: skip
    session.flush()


def test_a_favourite_is_what_most_was_spent_on(db: Connection) -> None:
    here = make.new_vendor(time_zone="Pacific/Auckland")
    with acting(SYSTEM), begin() as session:
        hair, nails, oil = (make.category(session).id for _ in range(3))
    late = datetime(2026, 10, 31, 12, tzinfo=UTC)  # November there
    with acting(vendor_actor(here)), begin() as session:
        ana, rui = make.customer(session, channel="online"), make.customer(session)
        for customer, kind, category, times, spent in (
            (ana, "appointment", hair, 2, 60), (ana, "appointment", hair, 1, 30),
            (ana, "class", nails, 9, 80), (ana, "product", oil, 1, 5),
            (rui, "appointment", nails, 3, 40), (rui, "appointment", hair, 1, 40),
            (rui, "package", None, 1, 100),
        ):  # fmt: skip
            make.interest(
                session, customer=customer, kind=kind, category_id=category, times=times,
                spent=spent, last_at=late, item_id=make.number(),
            )  # fmt: skip
        make.interest(session, customer=make.customer(session), times=0, spent=0)
    with acting(SYSTEM), begin() as session:
        for _ in range(2):
            audiences.rebuild(session, vendor_id=here)
            audiences.add_up(session)
        table = PreferenceFigures
        rows = session.execute(
            select(
                table.sort, table.kind, table.category_id, table.channel, table.starts_on,
                table.customers, table.times, table.spent, table.revenue,
            ).where(table.vendor_id == here)
        )  # fmt: skip
        found = {tuple(row)[:4]: tuple(row)[4:] for row in rows}
        everywhere = session.scalar(
            select(func.sum(table.customers)).where(table.vendor_id == EVERYWHERE)
        )
    month = date(2026, 11, 1)
    assert found == {
        ("service", "appointment", hair, "online"): (month, 1, 3, 90, 175),
        ("service", "appointment", nails, "walk_in"): (month, 1, 3, 40, 180),
        ("product", "product", oil, "online"): (month, 1, 1, 5, 175),
        ("kind", "appointment", 0, "online"): (month, 1, 3, 90, 175),
        ("kind", "package", 0, "walk_in"): (month, 1, 1, 100, 180),
    }
    assert everywhere == 5
