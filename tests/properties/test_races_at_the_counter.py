"""Tills at once: one key is one sale, the last piece is sold once, one till takes a sale up."""

from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.database import begin
from app.errors import DomainError
from app.operations import counter, parking, unnamed
from app.operations.counter import Buyer, Item, Paid
from app.tenancy import acting, vendor_actor
from models.orders import LineKind, Order
from models.payments import Payment, Tender
from models.products import Variant
from models.vendors import Counter
from tests import make
from tests.properties.test_races import in_threads


def test_tills_at_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        product = make.product(session, name="Serum", variants=0)
        variant = make.variant(session, product=product, price=Decimal(10))
        make.stock_move(session, variant=variant, on_hand=3)
        variant_id, people = variant.id, [make.customer(session).id for _ in range(8)]
    lines = [Item(LineKind.PRODUCT, variant_id)]
    sale = {"lines": lines, "paid": [Paid(Tender.CASH, Decimal(20))]}

    again = [sale | {"request_key": uuid4()}] * 8
    assert in_threads(vendor_id, counter.sell, again) == ["Sale"] * 8
    with acting(vendor_actor(vendor_id)), begin() as session:
        for model in (Order, Payment):
            assert session.scalar(select(func.count()).select_from(model)) == 1
        assert session.get_one(Variant, variant_id).on_hand == 2
        sold = session.scalars(select(Order.id)).one()

    given = [{"order_id": sold, "customer_id": who} for who in people]
    assert in_threads(vendor_id, unnamed.give_to, given) == ["IsSomebodys"] * 7 + ["Order"]

    with acting(vendor_actor(vendor_id)), begin() as session:
        parked = parking.park(session, request_key=uuid4(), lines=lines).id
    taking = [{"order_id": parked}] * 8
    assert in_threads(vendor_id, parking.take_up, taking) == ["Order"] + ["TakenMeanwhile"] * 7

    # two pieces are left, and two customers' tills ask for one of them eight times
    keys = [
        sale | {"request_key": uuid4(), "buyer": Buyer(people[n % 2])} for n in range(8)
    ]  # fmt: skip
    assert in_threads(vendor_id, counter.sell, keys) == ["OutOfStock"] * 6 + ["Sale"] * 2
    with acting(vendor_actor(vendor_id)):
        last = {"request_key": uuid4(), **sale}
        with (
            pytest.raises(DomainError, match=r"Of Serum only 0 can be had and 1 were asked for"),
            begin() as session,
        ):
            counter.sell(session, **last)
        with begin() as session:
            shelf = session.get_one(Variant, variant_id)
            assert (shelf.on_hand, shelf.reserved) == (0, 0)
            numbers = session.scalars(select(Order.number).where(Order.number.is_not(None))).all()
            assert sorted(numbers) == [1, 2, 3]  # what was refused took no number
            drawn = select(Counter.value).where(Counter.series == "orders")
            assert session.scalars(drawn).one() == 3
