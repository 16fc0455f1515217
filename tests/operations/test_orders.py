"""Orders: drafts as a form sends them, numbers without gaps, and what fulfilment leaves behind."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.operations import interests, memberships, orders
from app.operations.lines import DraftLine, LineRefused
from app.operations.moves import CannotMove
from app.operations.orders import CannotOrder, NeedsCustomer, NotADraft, NothingOrdered
from app.operations.prices import NotAnAmount
from app.tenancy import acting, admin_actor, vendor_actor
from models.interests import CustomerInterest
from models.memberships import Membership
from models.orders import LineKind, Order, OrderLine
from models.packages import PackageHolding
from models.products import Variant
from tests import make

PRODUCT, TIP = LineKind.PRODUCT, LineKind.TIP


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def draft(session: Session, *lines: DraftLine, **fields: Any) -> Order:
    """A draft of these lines, or of one product."""
    given = lines or (DraftLine(PRODUCT, make.variant(session).id),)
    return orders.save_draft(session, lines=given, **fields)


def as_sent(order: Order) -> list[DraftLine]:
    """The lines as a form sends them back unchanged."""
    return [
        DraftLine(LineKind(line.kind), line.variant_id, line.quantity, line.unit_price,
                  line.discount, line.name, line.id)
        for line in order.lines
    ]  # fmt: skip


def test_a_draft_has_totals_and_frozen_prices_but_no_number(shop: int) -> None:
    with begin() as session:
        variant = make.variant(session, price=Decimal("12.50"))
        order = draft(
            session,
            DraftLine(PRODUCT, variant.id, quantity=3, discount=Decimal("2.50")),
            DraftLine(TIP, unit_price=Decimal("1.005")),
        )
        variant.price = Decimal("99.00")
        session.flush()
        assert [line.total for line in order.lines] == [Decimal("35.00"), Decimal("1.00")]
        assert (order.total, order.number, order.status) == (Decimal("36.00"), None, "draft")
        assert order.lines[0].name == str(variant)


def test_lines_are_matched_by_id(shop: int) -> None:
    with begin() as session:
        order = draft(
            session, *(DraftLine(TIP, unit_price=Decimal(n), name=f"tip {n}") for n in (1, 2, 3))
        )
        order_id = order.id
        one, two, three = as_sent(order)
    with begin() as session:
        new = DraftLine(TIP, unit_price=Decimal(9), name="new")
        orders.save_draft(session, order_id=order_id, lines=[three, new, one])
    with begin() as session:
        order = session.get_one(Order, order_id)
        assert [(line.name, line.id) for line in order.lines if line.name != "new"] == [
            ("tip 3", three.id),
            ("tip 1", one.id),
        ]
        assert [line.name for line in order.lines] == ["tip 3", "new", "tip 1"]
        assert order.total == 13
        assert session.get(OrderLine, two.id) is None


def test_lines_of_another_order_are_refused(shop: int) -> None:
    with begin() as session:
        foreign = as_sent(draft(session))[0]
        order_id = draft(session).id
    with pytest.raises(LineRefused) as caught, begin() as session:
        orders.save_draft(session, order_id=order_id, lines=[foreign])
    assert caught.value.field == "lines.0.id"
    with begin() as session:
        mine = as_sent(session.get_one(Order, order_id))[0]
    with pytest.raises(LineRefused), begin() as session:
        orders.save_draft(session, order_id=order_id, lines=[mine, mine])


def test_a_line_that_cannot_be_sold_is_said_at_its_row(shop: int) -> None:
    with begin() as session:
        sold = make.variant(session).id
        old = make.variant(session, is_active=False).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = make.variant(session).id
    wrong: list[tuple[type[DomainError], str, DraftLine]] = [
        (LineRefused, "item_id", DraftLine(PRODUCT, old)),
        (LineRefused, "item_id", DraftLine(PRODUCT, foreign)),
        (LineRefused, "item_id", DraftLine(PRODUCT)),
        (LineRefused, "quantity", DraftLine(PRODUCT, sold, quantity=0)),
        (LineRefused, "quantity", DraftLine(PRODUCT, sold, quantity=10**30)),
        (LineRefused, "discount", DraftLine(PRODUCT, sold, discount=Decimal(11))),
        (LineRefused, "unit_price", DraftLine(TIP)),
        (LineRefused, "unit_price", DraftLine(PRODUCT, sold, 100_000, Decimal(10**9))),
        (NotAnAmount, "unit_price", DraftLine(TIP, unit_price=Decimal("NaN"))),
        (NotAnAmount, "unit_price", DraftLine(TIP, unit_price=Decimal("Infinity"))),
        (NotAnAmount, "unit_price", DraftLine(TIP, unit_price=Decimal(-1))),
        (NotAnAmount, "discount", DraftLine(PRODUCT, sold, discount=Decimal("sNaN"))),
    ]
    good = DraftLine(PRODUCT, sold)
    for refusal, column, line in wrong:
        with pytest.raises(refusal) as caught, begin() as session:
            orders.save_draft(session, lines=[good, line])
        assert caught.value.field == f"lines.1.{column}"


def test_an_old_form_does_not_overwrite_a_newer_one(fresh_database: str) -> None:
    with acting(vendor_actor(make.new_vendor())):
        with begin() as session:
            order = draft(session)
            order_id, seen, lines = order.id, order.updated_at, as_sent(order)
        with begin() as session:
            newer = orders.save_draft(session, order_id=order_id, lines=lines, seen=seen)
            assert newer.updated_at > seen
        with pytest.raises(ChangedMeanwhile), begin() as session:
            orders.save_draft(session, order_id=order_id, lines=lines, seen=seen)


def test_numbers_have_no_gaps_and_are_each_vendors_own(shop: int) -> None:
    with begin() as session:
        ids = [draft(session).id for _ in range(3)]
        empty = orders.save_draft(session, lines=[]).id
    numbers = []
    for order_id in ids:
        with begin() as session:
            numbers.append(orders.place(session, order_id=order_id).number)
        with pytest.raises(NothingOrdered), begin() as session:
            orders.place(session, order_id=empty)
    assert numbers == [1, 2, 3]
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        assert orders.place(session, order_id=draft(session).id).number == 1


def test_only_drafts_are_rewritten(shop: int) -> None:
    with begin() as session:
        order_id = draft(session).id
        orders.place(session, order_id=order_id)
    with pytest.raises(NotADraft), begin() as session:
        orders.save_draft(session, order_id=order_id, lines=[])


VERBS = (orders.place, orders.fulfil, orders.complete, orders.cancel)


def test_an_order_moves_as_its_table_says(shop: int) -> None:
    def walk(*verbs: Any) -> str:
        with begin() as session:
            order = draft(session)
            for verb in verbs:
                verb(session, order_id=order.id)
            return order.status

    place, fulfil, complete, cancel = VERBS
    assert walk(place, fulfil, complete) == walk(place, complete) == "completed"
    assert walk(cancel) == walk(place, cancel) == "cancelled"
    wrong: list[tuple[Any, ...]] = [
        (fulfil,), (complete,), (place, place), (cancel, place), (cancel, cancel),
        (place, fulfil, fulfil), (place, fulfil, cancel), (place, complete, complete),
        (place, complete, cancel),
    ]  # fmt: skip
    for verbs in wrong:
        with pytest.raises(CannotMove):
            walk(*verbs)


def test_fulfilment_counts_once_and_hands_out_what_was_sold(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        product = make.product(session, variants=2)
        package, plan = make.package(session, valid_days=30), make.plan(session)
        service = make.service(session)
        order = draft(
            session,
            DraftLine(PRODUCT, product.variants[0].id, quantity=2),
            DraftLine(PRODUCT, product.variants[1].id),
            DraftLine(LineKind.SERVICE, service.id),
            DraftLine(LineKind.PACKAGE, package.id, quantity=2),
            DraftLine(LineKind.MEMBERSHIP, plan.id),
            DraftLine(LineKind.FEE, unit_price=Decimal("3.00"), name="Delivery"),
            customer_id=customer.id,
        )
        orders.place(session, order_id=order.id)
        package.is_active = False  # what was sold is handed over, on offer or not
        session.refresh(customer)
        assert (customer.order_count, customer.total_spent) == (0, 0)
        orders.fulfil(session, order_id=order.id)
        orders.complete(session, order_id=order.id)
        assert (customer.order_count, customer.total_spent) == (1, 30 + 40 + 180 + 19 + 3)
        assert (customer.products_spent, customer.services_spent) == (30, 40)
        bought = session.scalars(select(CustomerInterest).order_by(CustomerInterest.kind))
        assert [(i.kind, i.times, i.spent) for i in bought] == [
            ("appointment", 1, 40),
            ("membership", 1, 19),
            ("package", 2, 180),
            ("product", 3, 30),
        ]
        held = session.scalars(select(PackageHolding)).all()
        assert [(h.uses_left, h.expires_at) for h in held] == [
            (10, make.NOON + timedelta(days=30))
        ] * 2
        assert session.scalars(select(Membership)).one().plan_id == plan.id
        assert interests.drift(session) == []


def test_an_order_called_off_leaves_no_trace_in_the_numbers(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        order = draft(session, customer_id=customer.id)
        orders.place(session, order_id=order.id)
        orders.cancel(session, order_id=order.id, reason="changed their mind")
        session.refresh(customer)
        assert (customer.order_count, customer.total_spent, order.number) == (0, 0, 1)
        assert session.scalars(select(CustomerInterest)).all() == []
        assert interests.drift(session) == []


def test_an_anonymous_sale_is_complete_without_a_customer(shop: int) -> None:
    with begin() as session:
        order = draft(session)
        orders.place(session, order_id=order.id)
        assert orders.complete(session, order_id=order.id).fulfilled_at == make.NOON
        package = make.package(session)
        held = draft(session, DraftLine(LineKind.PACKAGE, package.id)).id
    with pytest.raises(NeedsCustomer), begin() as session:
        orders.place(session, order_id=held)


def test_a_running_membership_is_not_sold_twice(shop: int) -> None:
    with begin() as session:
        customer, plan = make.customer(session), make.plan(session)
        memberships.join(session, customer_id=customer.id, plan_id=plan.id)
        line = DraftLine(LineKind.MEMBERSHIP, plan.id)
        order_id = draft(session, line, customer_id=customer.id).id
    with pytest.raises(memberships.AlreadyMember), begin() as session:
        orders.place(session, order_id=order_id)


def test_the_marketplace_orders_for_the_customers_vendor(shop: int) -> None:
    with begin() as session:
        customer_id, variant_id = make.customer(session).id, make.variant(session).id
    with acting(admin_actor()), begin() as session:
        line = DraftLine(PRODUCT, variant_id)
        assert draft(session, line, customer_id=customer_id).vendor_id == shop
    with acting(admin_actor()), pytest.raises(CannotOrder), begin() as session:
        draft(session, line)


def test_another_vendors_order_and_customer_are_not_here(shop: int) -> None:
    with begin() as session:
        order_id, customer_id = draft(session).id, make.customer(session).id
    with acting(vendor_actor(make.new_vendor())):
        for verb in VERBS:
            with pytest.raises(NotFound), begin() as session:
                verb(session, order_id=order_id)
        with pytest.raises(NotFound), begin() as session:
            orders.save_draft(session, order_id=order_id, lines=[])
        with pytest.raises(CannotOrder), begin() as session:
            orders.save_draft(session, customer_id=customer_id, lines=[])


def test_a_rebuilt_customer_is_what_it_was(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        variant = session.get_one(Variant, make.variant(session).id)
        order = draft(session, DraftLine(PRODUCT, variant.id, 4), customer_id=customer.id)
        orders.place(session, order_id=order.id)
        orders.fulfil(session, order_id=order.id)
        other = make.customer(session)
        order.customer_id = other.id
        assert {d.customer_id for d in interests.drift(session)} == {customer.id, other.id}
        interests.rebuild(session, customer_ids=[other.id, customer.id])
        assert interests.drift(session) == []
        session.refresh(other)
        assert (other.order_count, other.products_spent) == (1, 40)
