"""What is offered to a customer, and why; and what is not."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Customer
from reports.suggestions import Again, Beside, suggestions
from tests import make

TODAY = make.NOON.date()


@pytest.fixture
def session(db: Connection) -> Iterator[Session]:
    with acting(vendor_actor(make.new_vendor())), clock.stopped_at(make.NOON), begin() as opened:
        yield opened


def offered(session: Session, customer: Customer) -> list[str]:
    return [one.name for one in suggestions(session, customer=customer, now=make.NOON)]


def due(session: Session, customer: Customer, item: Any, days: int, **fields: Any) -> None:
    kind = getattr(item, "kind", "product")
    make.usage(
        session, customer=customer, kind=kind, item_id=item.id,
        next_on=TODAY + timedelta(days=days), **fields,
    )  # fmt: skip


def pair(session: Session, one: Any, other: Any, share: str, **fields: Any) -> None:
    kinds = {"kind": "product", "next_kind": "product"} | fields
    make.item_pair(session, item_id=one.id, next_id=other.id, share=Decimal(share), **kinds)


def product(session: Session, name: str) -> Any:
    return make.product(session, name=name)


def test_what_is_due_comes_first_and_says_why(session: Session) -> None:
    customer = make.customer(session)
    groom = make.service(session, name="Groom")
    food = product(session, "Food")
    due(session, customer, food, 3, source="product", interval_days=21, last_on=date(2026, 11, 2))
    due(session, customer, groom, -4, last_on=date(2026, 10, 17))
    make.usage(session, customer=customer, kind="visit", item_id=0, next_on=TODAY)
    first, second = suggestions(session, customer=customer, now=make.NOON)
    assert (first.name, first.kind, first.variant_id) == ("Groom", "appointment", None)
    assert first.why == Again(date(2026, 10, 17), 30, date(2026, 11, 16), lasts=False)
    assert (second.name, second.variant_id) == ("Food", food.variants[0].id)
    assert second.why == Again(date(2026, 11, 2), 21, date(2026, 11, 23), lasts=True)


def test_what_is_booked_ordered_gone_or_far_off_is_not_offered(session: Session) -> None:
    customer = make.customer(session)
    names = ("Far", "Lost", "Booked", "Retired", "Called off")
    far, lost, booked, retired, called_off = (make.service(session, name=n) for n in names)
    for item, days in ((far, 15), (lost, -184), (booked, 0), (retired, 0), (called_off, 1)):
        due(session, customer, item, days)
    retired.is_active = False
    ahead = make.NOON + timedelta(days=2)
    make.booking(session, customer=customer, service=booked, starts_at=ahead)
    make.booking(
        session, customer=customer, service=called_off, starts_at=ahead, status="cancelled"
    )
    ordered, handed = product(session, "Ordered"), product(session, "Handed over")
    empty = make.product(session, name="Without a variant", variants=0)
    for item in (ordered, handed, empty):
        due(session, customer, item, 2)
    make.order(session, customer=customer, variant=ordered.variants[0], pieces=1)
    make.order(session, customer=customer, variant=handed.variants[0], status="fulfilled")
    assert offered(session, customer) == ["Called off", "Handed over"]


def test_what_others_bought_too_says_with_what(session: Session) -> None:
    customer = make.customer(session)
    shampoo, comb, balm, brush, had = (
        product(session, name) for name in ("Shampoo", "Comb", "Balm", "Brush", "Had")
    )
    for item in (shampoo, comb, had):
        make.interest(session, customer=customer, kind="product", item_id=item.id)
    pair(session, shampoo, balm, "0.3")
    pair(session, comb, balm, "0.42", usual=Decimal("0.12"))
    pair(session, comb, brush, "0.35")
    pair(session, shampoo, had, "0.9")
    pair(session, brush, shampoo, "0.9")
    plan = make.plan(session, name="Care plan")
    pair(session, comb, plan, "0.2", next_kind="membership")
    found = suggestions(session, customer=customer, now=make.NOON)
    assert [one.name for one in found] == ["Balm", "Brush", "Care plan"]
    assert found[0].why == Beside("Comb", Decimal("0.42"), Decimal("0.12"))
    assert (found[2].kind, found[2].item_id) == ("membership", plan.id)


def test_only_a_few_are_offered_and_nothing_to_who_bought_nothing(session: Session) -> None:
    customer = make.customer(session)
    assert offered(session, customer) == []
    known = product(session, "Known")
    make.interest(session, customer=customer, kind="product", item_id=known.id)
    for n in range(5):
        due(session, customer, make.service(session, name=f"Due {n}"), n)
        pair(session, known, product(session, f"Pair {n}"), f"0.{9 - n}")
    assert offered(session, customer) == ["Due 0", "Due 1", "Due 2", "Pair 0", "Pair 1", "Pair 2"]
    with acting(admin_actor()), begin() as marketplace:
        assert len(offered(marketplace, customer)) == 6
    with acting(vendor_actor(make.new_vendor())), begin() as another:
        assert offered(another, customer) == []
