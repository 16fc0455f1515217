"""Orders: drafts as a form sends them, numbers without gaps, and what fulfilment leaves behind."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.operations import bookings, interests, memberships, orders, prices, stock
from app.operations.customers import CannotRead
from app.operations.lines import BookingSold, DraftLine, LineRefused, TooMuchOff
from app.operations.moves import CannotMove
from app.operations.orders import (
    BookingGone,
    CannotOrder,
    Discount,
    NeedsCustomer,
    NotADraft,
    NothingOrdered,
)
from app.operations.prices import NotAnAmount
from app.operations.shipping_methods import CannotHand, NeedsAddress, NoSuchCountry, NoWayThere
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import Booking
from models.customers import Customer
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


def test_a_running_membership_is_renewed_by_what_is_sold_and_never_by_two_orders(
    shop: int,
) -> None:
    with begin() as session:
        customer, plan = make.customer(session), make.plan(session)
        member = memberships.join(session, customer_id=customer.id, plan_id=plan.id)
        line = DraftLine(LineKind.MEMBERSHIP, plan.id)
        first, second = (draft(session, line, customer_id=customer.id).id for _ in range(2))
        orders.place(session, order_id=first)
        ends = member.period_ends_at
    with pytest.raises(memberships.RenewalStands), begin() as session:
        orders.place(session, order_id=second)
    with begin() as session:
        orders.complete(session, order_id=first)
        [kept] = session.scalars(select(Membership)).all()
        assert (kept.period_starts_at, kept.period_ends_at.month) == (ends, ends.month % 12 + 1)
        assert interests.drift(session) == []
        twice = draft(session, line, line, customer_id=customer.id).id
    with pytest.raises(memberships.AlreadyMember, match="twice"), begin() as session:
        orders.place(session, order_id=twice)


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


# --- discounts and why ---------------------------------------------------------------------


def test_a_line_tells_why_it_costs_what_it_does(shop: int) -> None:
    with begin() as session:
        variant = make.variant(session, price=Decimal("12.50"))
        order = draft(
            session,
            DraftLine(PRODUCT, variant.id, 2, Decimal("12.00"), Decimal("4.00"), why="Torn box"),
            discount=Discount(Decimal("2.00"), "A good customer"),
        )
        line = order.lines[0]
        assert (line.discount, line.total) == (Decimal("6.00"), Decimal("18.00"))
        assert line.price_steps == [
            {"step": "catalogue", "amount": "12.50", "why": "Price in the catalogue"},
            {"step": "typed", "amount": "12.00", "why": "Written by hand"},
            {"step": "discount", "amount": "4.00", "why": "Torn box"},
            {"step": "order_discount", "amount": "2.00", "why": "A good customer"},
        ]
        assert prices.own_discount(line) == (Decimal("4.00"), "Torn box")
        assert prices.order_discount(order.lines) == (Decimal("2.00"), "A good customer")


def test_a_frozen_price_keeps_its_reason_when_the_catalogue_changes(shop: int) -> None:
    with begin() as session:
        variant = make.variant(session, price=Decimal("12.50"))
        order = draft(session, DraftLine(PRODUCT, variant.id))
        before = order.lines[0].price_steps
        variant.price = Decimal("99.00")
        orders.save_draft(session, order_id=order.id, lines=as_sent(order))
        assert order.lines[0].price_steps == before
        dearer = DraftLine(PRODUCT, variant.id, id=order.lines[0].id)
        orders.save_draft(session, order_id=order.id, lines=[dearer])
        assert (order.total, order.lines[0].price_steps[0]["amount"]) == (99, "99.00")


def test_a_discount_of_the_order_spares_tips_and_shipping(shop: int) -> None:
    with begin() as session:
        method = make.shipping_method(session)
        order = draft(
            session,
            DraftLine(LineKind.FEE, unit_price=Decimal("10.00")),
            DraftLine(LineKind.FEE, unit_price=Decimal("20.00")),
            DraftLine(TIP, unit_price=Decimal("5.00")),
            discount=Discount(Decimal("10.00")),
            handing="delivery",
            shipping_method_id=method.id,
        )
        assert [line.discount for line in order.lines] == [
            Decimal("3.33"), Decimal("6.67"), 0, 0,
        ]  # fmt: skip
        with pytest.raises(TooMuchOff):
            draft(session, DraftLine(TIP, unit_price=Decimal(5)), discount=Discount(Decimal(1)))


# --- how it gets there ---------------------------------------------------------------------

HOME = {"line1": "Rua do Sol 1", "city": "Lisboa", "country": "PT", "nonsense": "dropped"}


def test_sending_is_a_line_that_follows_its_method(shop: int) -> None:
    with begin() as session:
        method = make.shipping_method(session, price=Decimal("4.90"), free_from=Decimal("20.00"))
        variant = make.variant(session)
        ways: dict[str, Any] = {"handing": "delivery", "shipping_method_id": method.id}
        order = draft(session, DraftLine(PRODUCT, variant.id), ship_to=HOME, **ways)
        sending = order.lines[-1]
        assert (sending.kind, sending.name, order.total) == (
            "shipping", method.name, Decimal("14.90"),
        )  # fmt: skip
        assert order.ship_to == {"line1": "Rua do Sol 1", "city": "Lisboa", "country": "PT"}
        more = [DraftLine(PRODUCT, variant.id, 2, id=order.lines[0].id)]
        orders.save_draft(session, order_id=order.id, lines=more, ship_to=HOME, **ways)
        assert (order.lines[-1].id, order.total) == (sending.id, 20)  # free from 20.00 on
        orders.save_draft(session, order_id=order.id, lines=more[:1])
        assert ([line.kind for line in order.lines], order.ship_to) == (["product"], None)


def test_a_delivery_needs_to_know_where_to(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        make.address(session, customer=customer, line1="Rua 2", city="Porto", country="PT")
        known = draft(session, handing="delivery", customer_id=customer.id)
        assert known.ship_to is not None
        assert known.ship_to["city"] == "Porto"  # from the customer's file
        order_id = draft(session, handing="delivery", ship_to={"city": "Lisboa"}).id
    with pytest.raises(NeedsAddress) as caught, begin() as session:
        orders.place(session, order_id=order_id)
    assert caught.value.field == "ship_to"
    wrong: list[tuple[type[DomainError], dict[str, Any]]] = [
        (NoSuchCountry, {"handing": "delivery", "ship_to": HOME | {"country": "ZZ"}}),
        (NoSuchCountry, {"handing": "delivery", "ship_to": HOME | {"country": "Portugal"}}),
        (CannotRead, {"handing": "delivery", "ship_to": HOME | {"line1": "x" * 200}}),
        (CannotHand, {"handing": "by pigeon"}),
    ]
    for refusal, fields in wrong:
        with pytest.raises(refusal), begin() as session:
            draft(session, **fields)


def test_only_ways_that_are_offered_for_it(shop: int) -> None:
    with begin() as session:
        courier = make.shipping_method(session).id
        old = make.shipping_method(session, is_active=False).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = make.shipping_method(session).id
    for method, handing in ((courier, "pickup"), (courier, "counter"), (old, "delivery"),
                            (foreign, "delivery"), (10**15, "delivery")):  # fmt: skip
        with pytest.raises(NoWayThere), begin() as session:
            draft(session, handing=handing, shipping_method_id=method)


# --- the same request again ----------------------------------------------------------------


def test_the_same_request_again_is_the_same_order(shop: int) -> None:
    key = uuid4()
    with begin() as session:
        order = draft(session, request_key=key)
        orders.place(session, order_id=order.id)
    with begin() as session:
        again = draft(session, DraftLine(TIP, unit_price=Decimal(1)), request_key=key)
        assert (again.id, again.status, again.total) == (order.id, "placed", 10)
        assert draft(session, request_key=uuid4()).id != order.id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        assert draft(session, request_key=key).id != order.id  # each vendor's own


# --- stock ---------------------------------------------------------------------------------


def stocked(session: Session, on_hand: int, **fields: Any) -> Variant:
    variant = make.variant(session, **fields)
    make.stock_move(session, variant=variant, on_hand=on_hand)
    return variant


def test_placing_promises_the_goods_and_calling_off_frees_them(shop: int) -> None:
    with begin() as session:
        variant = stocked(session, 5, cost=Decimal("3.00"), warranty_months=12)
        order = draft(session, DraftLine(PRODUCT, variant.id, 2), DraftLine(PRODUCT, variant.id))
        session.refresh(variant)
        assert variant.available == 5  # a draft promises nothing
        orders.place(session, order_id=order.id)
        session.refresh(variant)
        assert (variant.on_hand, variant.reserved, order.pieces) == (5, 3, 3)
        line = order.lines[0]
        assert (line.cost, line.warranty_months) == (3, 12)
        orders.cancel(session, order_id=order.id)
        session.refresh(variant)
        assert (variant.on_hand, variant.reserved) == (5, 0)


def test_what_is_sold_out_is_said_and_nothing_is_placed(shop: int) -> None:
    with begin() as session:
        plenty = stocked(session, 9)
        few = stocked(session, 1, product=make.product(session, name="Shampoo", variants=0))
        order_id = draft(
            session, DraftLine(PRODUCT, plenty.id, 2), DraftLine(PRODUCT, few.id, 2)
        ).id
    with pytest.raises(stock.OutOfStock) as caught, begin() as session:
        orders.place(session, order_id=order_id)
    assert "Of Shampoo only 1 can be had and 2 were asked for" in str(caught.value)
    with begin() as session:
        assert session.get_one(Order, order_id).status == "draft"
        for variant_id in (plenty.id, few.id):
            assert session.get_one(Variant, variant_id).reserved == 0
        assert orders.place(session, order_id=draft(session).id).number == 1  # none was lost


# --- bookings on orders --------------------------------------------------------------------


def booked(session: Session, **fields: Any) -> Booking:
    customer = fields.pop("customer", None) or make.customer(session)
    return make.booking(session, customer=customer, price=Decimal("40.00"), **fields)


def on_order(session: Session, booking: Booking, **fields: Any) -> Order:
    line = DraftLine(LineKind.SERVICE, booking_id=booking.id, **fields)
    return draft(session, line, customer_id=booking.customer_id)


def test_a_booked_service_counts_when_its_booking_is_completed(shop: int) -> None:
    with begin() as session:
        booking = booked(session, starts_at=make.NOON - timedelta(hours=2))
        customer = session.get_one(Customer, booking.customer_id)
        order = on_order(session, booking, discount=Decimal("4.00"), why="First visit")
        assert (order.total, order.lines[0].price_steps[0]["step"]) == (36, "booked")
        orders.place(session, order_id=order.id)
        assert booking.price == 36  # what is paid for it is what it costs
        orders.complete(session, order_id=order.id)
        session.refresh(customer)
        assert (customer.order_count, customer.services_spent, customer.total_spent) == (1, 0, 0)
        assert interests.drift(session) == []
        bookings.complete(session, booking_id=booking.id)
        session.refresh(customer)
        assert (customer.visit_count, customer.services_spent, customer.total_spent) == (1, 36, 36)
        assert interests.drift(session) == []


def test_a_visit_that_is_paid_for_afterwards_counts_once(shop: int) -> None:
    with begin() as session:
        booking = booked(session, starts_at=make.NOON - timedelta(hours=2))
        bookings.complete(session, booking_id=booking.id)
        order = on_order(session, booking, unit_price=Decimal("50.00"))
        orders.place(session, order_id=order.id)
        orders.fulfil(session, order_id=order.id)
        customer = session.get_one(Customer, booking.customer_id)
        session.refresh(customer)
        assert (customer.services_spent, customer.total_spent) == (50, 50)
        assert interests.drift(session) == []


def test_a_booking_stands_on_one_order_of_its_own_customer(shop: int) -> None:
    with begin() as session:
        booking = booked(session)
        order_id = on_order(session, booking).id
        other, gone = make.customer(session).id, booked(session, status="cancelled")
        line = DraftLine(LineKind.SERVICE, booking_id=booking.id)
        twice = DraftLine(LineKind.SERVICE, booking_id=booking.id, quantity=2)
        mine = booking.customer_id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = booked(session).id
    wrong: list[tuple[type[DomainError], DraftLine, int | None]] = [
        (BookingSold, line, mine),
        (LineRefused, line, other),
        (LineRefused, line, None),
        (LineRefused, twice, mine),
        (LineRefused, DraftLine(LineKind.SERVICE, booking_id=gone.id), gone.customer_id),
        (LineRefused, DraftLine(LineKind.SERVICE, booking_id=foreign), mine),
        (LineRefused, DraftLine(LineKind.SERVICE, booking_id=10**15), mine),
        (LineRefused, DraftLine(TIP, unit_price=Decimal(1), booking_id=booking.id), mine),
    ]
    for refusal, asked, customer_id in wrong:
        with pytest.raises(refusal), begin() as session:
            orders.save_draft(session, lines=[asked], customer_id=customer_id)
    with begin() as session:
        orders.cancel(session, order_id=order_id)
        again = on_order(session, session.get_one(Booking, booking.id))
        bookings.cancel(session, booking_id=booking.id)
    with pytest.raises(BookingGone), begin() as session:
        orders.place(session, order_id=again.id)
