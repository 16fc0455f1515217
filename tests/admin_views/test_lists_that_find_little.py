"""Orders and bookings are found by every mix of filters as plain SQL finds them, on every way."""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from admin_views import few
from admin_views.lists import Address
from app.database import begin
from app.tenancy import SYSTEM, Actor, acting, admin_actor, vendor_actor
from tests import make
from tests.admin_views.test_every_view import VIEWS
from tests.chance import examples
from tests.server import TestServer, own_database, undone

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
ZONES = ("Europe/Lisbon", "Pacific/Auckland")
CHANNELS, KINDS = ("online", "online", "phone"), ("appointment", "class")
NAMES = ("Ana Sá", "Jo Müller", "Øyvind Berg")
Query = list[tuple[str, str]]
Plain = Mapping[str, tuple[list[str], Callable[[str], str]]]
"""The parameters of a list: values to ask for, and what a value means in SQL."""


class World:
    """Two vendors far apart on the clock, who sell and book at random."""

    def __init__(self) -> None:
        rng = random.Random(11)
        self.items: list[str] = ["product:999999999", "tip:1"]
        self.staff, self.services, self.coupons = [999_999_999], [999_999_999], [999_999_999]
        with acting(SYSTEM), begin() as session:
            top = make.category(session)
            inner = make.category(session, parent_id=top.id)
            toys, nothing = make.category(session, kind="product"), make.category(session)
            self.below = {top.id: (top.id, inner.id)}
            self.below |= {one.id: (one.id,) for one in (inner, toys, nothing)}
            self.vendors = [make.vendor(session, time_zone=zone).id for zone in ZONES]
        for vendor in self.vendors:
            with acting(vendor_actor(vendor)), begin() as session:
                self._fill(session, rng, (inner.id, toys.id, None))

    def _fill(self, session: Session, rng: random.Random, of: tuple[int | None, ...]) -> None:
        goods = [make.product(session, category_id=category) for category in of]
        works = [
            make.service(session, category_id=category, kind=rng.choice(KINDS)) for category in of
        ]
        package, plan, coupon = make.package(session), make.plan(session), make.coupon(session)
        people = [make.customer(session, full_name=name) for name in NAMES]
        staff = [make.staff_member(session) for _ in range(2)]
        self.items += [f"product:{one.id}" for one in goods]
        self.items += [f"service:{one.id}" for one in works]
        self.items += [f"package:{package.id}", f"membership:{plan.id}"]
        self.staff += [one.id for one in staff]
        self.services += [one.id for one in works]
        self.coupons.append(coupon.id)
        things: list[dict[str, Any]] = [
            *({"variant": one.variants[0]} for one in goods),
            *({"kind": "service", "service_id": one.id} for one in works),
            {"kind": "package", "package_id": package.id}, {"kind": "tip"}, {"kind": "fee"},
            {"kind": "membership", "plan_id": plan.id},
        ]  # fmt: skip
        for _ in range(30):
            at = FIRST + timedelta(hours=rng.randrange(72))
            status = rng.choice(("draft", "placed", "fulfilled", "completed", "cancelled"))
            order = make.order(
                session, lines=0, status=status, placed_at=None if status == "draft" else at,
                fulfilled_at=at if status in ("fulfilled", "completed") else None,
                customer=rng.choice([None, *people]), channel=rng.choice(CHANNELS),
                handing=rng.choice(("counter", "counter", "pickup")),
            )  # fmt: skip
            for named in rng.sample(things, rng.randrange(4)):
                make.order_line(session, order=order, **named)
            session.flush()
            if paid := rng.choice((Decimal(0), order.total, order.total + 1)):
                make.payment(session, order=order, amount=paid)
            if rng.random() < 0.2:
                make.coupon_redemption(session, coupon=coupon, order=order)
        for _ in range(25):
            status = rng.choice(("pending", "completed", "cancelled"))
            make.booking(
                session, customer=rng.choice(people), service=rng.choice(works), status=status,
                starts_at=FIRST + timedelta(hours=rng.randrange(72)), channel=rng.choice(CHANNELS),
                staff=rng.choice(staff) if status == "cancelled" else None,
            )  # fmt: skip


@pytest.fixture(scope="module")
def built(server: TestServer) -> Iterator[tuple[Engine, World]]:
    """The world and its database, made once: nobody here changes it."""
    with own_database(server) as engine:
        yield engine, World()


@pytest.fixture
def world(built: tuple[Engine, World]) -> Iterator[World]:
    """The world, in a transaction of its own."""
    with undone(built[0]):
        yield built[1]


def _day(column: str, sign: str) -> Callable[[str], str]:
    own = f"({column} AT TIME ZONE (SELECT time_zone FROM vendors WHERE id = r.vendor_id))::date"
    return lambda day: f"{own} {sign} '{day}'"


def _is(column: str) -> Callable[[str], str]:
    return lambda value: f"r.{column} = '{value}'"


def _line(which: str) -> str:
    return f"EXISTS (SELECT FROM order_lines l WHERE l.order_id = r.id AND ({which}))"


def _item(value: str) -> str:
    kind, number = value.split(":")
    product = f"(SELECT v.product_id FROM variants v WHERE v.id = l.variant_id) = {number}"
    column = {"service": "service_id", "package": "package_id", "membership": "plan_id"}
    if kind == "product":
        return _line(product)
    return _line(f"l.{column[kind]} = {number}") if kind in column else "true"


def _found(name: str) -> str:
    of = "SELECT FROM customers c WHERE c.id = r.customer_id AND c.full_name"
    return f"EXISTS ({of} LIKE '{name}%')"


def _coupon(which: str) -> str:
    return f"EXISTS (SELECT FROM coupon_redemptions u WHERE u.order_id = r.id AND {which})"


OWED = "r.status IN ('placed', 'fulfilled', 'completed') AND r.paid < r.total"
SOLD_OF = (
    "coalesce((SELECT category_id FROM services WHERE id = l.service_id),"
    " (SELECT p.category_id FROM products p JOIN variants v ON v.product_id = p.id"
    " WHERE v.id = l.variant_id))"
)


def _both(world: World) -> dict[str, tuple[list[str], Callable[[str], str]]]:
    return {
        "status": (["cancelled", "pending", "draft", "completed"], _is("status")),
        "vendor": ([*map(str, world.vendors), "999999999"], _is("vendor_id")),
        "channel": (["online", "phone", "partner"], _is("channel")),
        "search": ([name.split()[0] for name in NAMES] + ["Nobody"], _found),
    }


def of_orders(world: World) -> Plain:
    """What an address of the list of orders asks for."""

    def category(value: str) -> str:
        return _line(f"{SOLD_OF} IN {world.below[int(value)]}".replace(",)", ")"))

    return _both(world) | {
        "handing": (["counter", "pickup", "delivery"], _is("handing")),
        "payment": (
            ["owed", "overpaid"], lambda v: OWED if v == "owed" else "r.paid > r.total",
        ),
        "kind": (
            ["product", "service", "package", "tip", "shipping"],
            lambda v: _line(f"l.kind = '{v}'"),
        ),
        "item": (world.items, _item),
        "category": ([*map(str, world.below)], category),
        "coupon": ([*map(str, world.coupons)], lambda v: _coupon(f"u.coupon_id = {v}")),
        "coupons": (
            ["used", "none"], lambda v: ("" if v == "used" else "NOT ") + _coupon("true"),
        ),
        "sold_from": ([*DAYS, "2030-01-01"], _day("r.fulfilled_at", ">=")),
        "sold_to": ([*DAYS], _day("r.fulfilled_at", "<=")),
    }  # fmt: skip


def of_bookings(world: World) -> Plain:
    """What an address of the list of bookings asks for."""

    def category(value: str) -> str:
        of = "(SELECT category_id FROM services s WHERE s.id = r.service_id)"
        return f"{of} IN {world.below[int(value)]}".replace(",)", ")")

    return _both(world) | {
        "staff": ([*map(str, world.staff)], _is("staff_id")),
        "service": ([*map(str, world.services)], _is("service_id")),
        "category": ([*map(str, world.below)], category),
        "kind": (["appointment", "class", "stay"], _is("kind")),
        "day_from": ([*DAYS, "2030-01-01"], _day("r.starts_at", ">=")),
        "day_to": ([*DAYS], _day("r.starts_at", "<=")),
    }


ONE_VALUE = ("payment", "coupons", "search", "sold_from", "sold_to", "day_from", "day_to")
SORTS = {
    "order": {"": "r.id DESC", "placed": "r.placed_at DESC NULLS FIRST, r.id DESC"},
    "booking": {"": "r.starts_at DESC, r.id DESC", "soonest": "r.starts_at, r.id"},
}


def meant(plain: Plain, table: str, order: str, asked: Mapping[str, list[str]]) -> str:
    """The same question in plain SQL."""
    parts = [
        "(" + " OR ".join(plain[name][1](value) for value in values) + ")"
        for name, values in asked.items()
    ]
    return f"SELECT r.id FROM {table} r WHERE {' AND '.join(['true', *parts])} ORDER BY {order}"


def every_page(view: Any, query: Query, zone: ZoneInfo) -> tuple[list[int], list[int], int | None]:
    """The rows of all pages forwards, then back from the last, and how many the list says."""
    page = _page(view, query, zone)
    seen, total = [row.id for row in page.rows], page.total
    while page.cursors[1]:
        page = _page(view, [*query, ("after", page.cursors[1])], zone)
        seen += [row.id for row in page.rows]
        assert page.total == total
    back = [row.id for row in page.rows]
    while page.cursors[0]:
        page = _page(view, [*query, ("before", page.cursors[0])], zone)
        back = [row.id for row in page.rows] + back
    return seen, back, total


def _page(view: Any, query: Query, zone: ZoneInfo) -> Any:
    address = Address.read(QueryParams(urlencode(query)), view.params())
    with begin() as session:
        rows, _ = view.narrowed(session, address, zone)
        return view.read_rows(session, rows, view.chosen_sort(address)[1], address)


@pytest.fixture(params=["as it is", "short glances", "nothing is few", "all is walked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The thresholds, so that small data takes every way that large data takes."""
    if request.param != "as it is":
        monkeypatch.setattr(few, "GLANCE", 4)
    if request.param in ("nothing is few", "all is walked"):
        monkeypatch.setattr(few, "FEW", 1)
    if request.param == "all is walked":
        monkeypatch.setattr(few, "INSIDE", 1)
    return str(request.param)


@pytest.mark.parametrize("who", ["admin", "vendor"])
@pytest.mark.parametrize("noun", ["order", "booking"])
def test_every_mix_of_filters_finds_what_plain_sql_finds(
    world: World, way: str, who: str, noun: str
) -> None:
    actor: Actor = admin_actor() if who == "admin" else vendor_actor(world.vendors[1])
    plain = of_orders(world) if noun == "order" else of_bookings(world)
    view, zone = VIEWS[noun](), ZoneInfo(ZONES[1] if who == "vendor" else "UTC")
    sorts = SORTS[noun]

    def same(asked: Mapping[str, list[str]], sort: str, size: int) -> None:
        known = {
            name: kept for name, values in asked.items()
            if (kept := [value for value in values if _is_word(view, name, value)])
        }  # fmt: skip
        query = [(name, value) for name, values in asked.items() for value in values]
        query += [("sort", sort), ("size", str(size))]
        table = "orders" if noun == "order" else "bookings"
        with acting(actor):
            with begin() as session:
                wanted = list(session.scalars(text(meant(plain, table, sorts[sort], known))))
            assert every_page(view, query, zone) == (wanted, wanted, len(wanted))

    @examples(15)
    @given(drawn=st.data(), sort=st.sampled_from(sorted(sorts)), size=st.integers(1, 9))
    def check(drawn: st.DataObject, sort: str, size: int) -> None:
        names = st.lists(st.sampled_from(sorted(plain)), max_size=3, unique=True)
        asked = {
            name: drawn.draw(
                st.lists(st.sampled_from(plain[name][0]), min_size=1, unique=True,
                         max_size=1 if name in ONE_VALUE else 2)
            )
            for name in drawn.draw(names)
            if who == "admin" or name != "vendor"
        }  # fmt: skip
        same(asked, sort, size)

    check()
    for name, (values, _) in plain.items():
        if name not in ONE_VALUE and (who == "admin" or name != "vendor"):
            same({name: values[:2]}, "", 9)


def _is_word(view: Any, name: str, value: str) -> bool:
    """Whether the list knows this value; what it does not know is no filter."""
    if name == "search":
        return True
    one = next(f for f in view.filters if name in f.params)
    return bool(one.values(Address.read(QueryParams({name: value}), view.params())))
