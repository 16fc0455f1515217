"""The counter: one sale in one transaction, paid in parts, put aside, given to somebody later."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import counter, credit, interests, outcomes, parking, receipts, unnamed
from app.operations.counter import (
    Buyer,
    Item,
    NeedsWhy,
    NoSuchPercent,
    NothingLeftToPay,
    NotPaid,
    Off,
    Paid,
    PaidTooMuch,
    Sale,
    StaysDue,
)
from app.operations.invoices import Content, Press, Printed
from app.operations.lines import LineRefused, TooMuchOff
from app.operations.orders import CannotOrder, NeedsCustomer, NothingOrdered
from app.operations.parking import NothingToPark, SoldMeanwhile, TakenMeanwhile
from app.operations.payments import NeedsReference, NotTheAmount
from app.operations.prices import NotAnAmount
from app.operations.stock import NotOnHand, OutOfStock
from app.operations.unnamed import IsSomebodys, NotHere, NotSold
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.covers import Cover
from models.customers import Customer
from models.invoices import Invoice
from models.orders import LineKind, Order
from models.outbox import OutboxMessage
from models.payments import Payment, Tender
from models.products import Variant
from models.stock import StockMove
from tests import make

D = Decimal
CASH, CARD, MOBILE, CREDIT = Tender.CASH, Tender.CARD, Tender.MOBILE_MONEY, Tender.STORE_CREDIT
NAN, ENDLESS = Decimal("NaN"), Decimal("Infinity")


def printed(content: Content) -> Printed:
    """A press of its words alone."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return Printed(digest[:32], digest)


PRESS = Press("EUR", "en", printed)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def session(shop: int) -> Iterator[Session]:
    with begin() as opened:
        yield opened


def shelf(session: Session, on_hand: int = 5, price: str = "10.00", **fields: Any) -> Variant:
    """A product of which so many are here."""
    product = make.product(session, name=f"Shampoo {make.number()}", variants=0)
    variant = make.variant(session, product=product, price=D(price), **fields)
    make.stock_move(session, variant=variant, on_hand=on_hand)
    return variant


def product(variant: Variant, quantity: int = 1, **fields: Any) -> Item:
    return Item(LineKind.PRODUCT, variant.id, quantity, **fields)


def sell(session: Session, *lines: Item, **fields: Any) -> Sale:
    values = {"request_key": uuid4(), "press": PRESS} | fields
    return counter.sell(session, lines=lines, **values)


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_whole_sale_is_done_at_once(session: Session) -> None:
    tax = make.tax_class(session, is_default=True)
    make.tax_rate(session, tax_class=tax)
    shampoo = shelf(session, 5, "18.90", warranty_months=24)
    cut = make.service(session, price=D("45.00"))
    who = make.customer(session)
    credit.give(session, customer_id=who.id, amount=D(5), reason="Sorry")
    done = sell(
        session,
        product(shampoo, 2, off=Off(D("5.00"), why="Box torn")),
        Item(LineKind.SERVICE, cut.id),
        Item(LineKind.TIP, amount=D("2.20")),
        buyer=Buyer(who.id),
        off=Off(percent=D(10), why="Regular"),
        paid=[Paid(CASH, D(50)), Paid(CARD, D("20.00"), "4417"), Paid(CREDIT, D("5.00"))],
    )
    order = done.order
    # 32.80 + 45.00 less 10 %, and a tip that no discount touches
    assert order.total == D("72.22")
    assert (done.change, done.due) == (D("2.78"), 0)
    assert (order.status, order.payment_status, order.fulfilment_status) == (
        "completed", "paid", "delivered",
    )  # fmt: skip
    assert order.tax == sum(line.tax for line in order.lines) == D("13.09")
    assert order.lines[2].tax == 0
    assert order.channel == "walk_in"
    assert [line["step"] for line in order.lines[0].price_steps or ()] == [
        "catalogue", "discount", "order_discount",
    ]  # fmt: skip
    assert done.receipt is not None
    assert done.receipt.total == order.total
    assert [p["tender"] for p in done.receipt.content["payments"]] == [
        "card", "store_credit", "cash",
    ]  # fmt: skip
    assert (shampoo.on_hand, shampoo.reserved) == (3, 0)
    assert count(session, Cover) == 2
    session.refresh(who)
    assert (who.store_credit, who.order_count) == (0, 1)
    assert who.total_spent == D("72.22")
    assert interests.drift(session) == []


def test_the_same_key_again_is_the_same_sale(session: Session) -> None:
    one = shelf(session)
    key = uuid4()
    lines = [product(one)]
    first = sell(session, *lines, request_key=key, paid=[Paid(CASH, D(20))])
    again = sell(session, *lines, request_key=key, paid=[Paid(CASH, D(20))])
    other = sell(session, product(one, 3), request_key=key)  # whatever it says now
    for sale in (again, other):
        assert sale.order.id == first.order.id
        assert (sale.change, sale.due, sale.receipt) == (10, 0, first.receipt)
    assert (count(session, Order), count(session, Payment), count(session, Invoice)) == (1, 1, 1)
    assert one.on_hand == 4


@pytest.mark.parametrize(
    ("lines", "fields", "refusal", "field"),
    [
        ([], {}, NothingOrdered, "lines"),
        ([{"quantity": 0}], {}, LineRefused, "lines.0.quantity"),
        ([{"quantity": -1}], {}, LineRefused, "lines.0.quantity"),
        ([{"quantity": 10**9}], {}, LineRefused, "lines.0.quantity"),
        ([{"quantity": 6}], {}, OutOfStock, None),
        ([{}, {"quantity": 5}], {}, OutOfStock, None),
        ([{"item_id": 10**12}], {}, LineRefused, "lines.0.item_id"),
        ([{"amount": D("0.01")}], {}, LineRefused, "lines.0.amount"),
        ([{"booking_id": 10**12}], {}, LineRefused, "lines.0.item_id"),
        ([{"staff_id": 10**12}], {}, LineRefused, "lines.0.staff_id"),
        ([{"off": Off(D(1))}], {}, NeedsWhy, "lines.0.why"),
        ([{"off": Off(D(1), why=" ")}], {}, NeedsWhy, "lines.0.why"),
        ([{"off": Off(D(11), why="So")}], {}, LineRefused, "lines.0.discount"),
        ([{"off": Off(NAN, why="So")}], {}, NotAnAmount, "lines.0.discount"),
        ([{"off": Off(D(-1), why="So")}], {}, NotAnAmount, "lines.0.discount"),
        ([{"off": Off(percent=D(101), why="So")}], {}, NoSuchPercent, "lines.0.discount"),
        ([{"off": Off(percent=NAN, why="So")}], {}, NoSuchPercent, "lines.0.discount"),
        ([{}], {"off": Off(D(11), why="So")}, TooMuchOff, "discount"),
        ([{}], {"off": Off(percent=D(50))}, NeedsWhy, "discount_why"),
        ([{}], {"paid": []}, NotPaid, "payments"),
        ([{}], {"paid": [Paid(CASH, D("9.99"))]}, NotPaid, "payments"),
        ([{}], {"paid": [Paid(CASH, D(0))]}, NotTheAmount, "paid.0"),
        ([{}], {"paid": [Paid(CASH, D(-5))]}, NotAnAmount, "paid.0"),
        ([{}], {"paid": [Paid(CASH, ENDLESS)]}, NotAnAmount, "paid.0"),
        ([{}], {"paid": [Paid(CARD, D("10.01"))]}, PaidTooMuch, "paid.0"),
        ([{}], {"paid": [Paid(CASH, D(5)), Paid(CARD, D(10))]}, NothingLeftToPay, "paid.0"),
        ([{}], {"paid": [Paid(CASH, D(10)), Paid(CASH, D(1))]}, NothingLeftToPay, "paid.1"),
        ([{}], {"paid": [Paid(MOBILE, D(10))]}, NeedsReference, "reference"),
        ([{}], {"paid": [Paid(CREDIT, D(10))]}, DomainError, "tender"),
        ([{}], {"paid": [Paid(Tender.GATEWAY, D(10))]}, DomainError, "tender"),
        ([{}], {"buyer": Buyer(10**12)}, CannotOrder, "customer_id"),
        ([{}], {"buyer": Buyer(phone="12")}, DomainError, "phone"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_happens(
    shop: int, lines: list[dict[str, Any]], fields: dict[str, Any], refusal: Any, field: str | None
) -> None:
    with begin() as session:
        shampoo_id = shelf(session).id
    items = [Item(**{"kind": LineKind.PRODUCT, "item_id": shampoo_id} | one) for one in lines]
    values = {"paid": [Paid(CASH, D(1000))]} | fields
    with pytest.raises(refusal) as refused, begin() as session:
        sell(session, *items, **values)
    assert refused.value.field == field
    with begin() as session:
        for model in (Order, Payment, Invoice, Customer):
            assert count(session, model) == 0
        assert session.get_one(Variant, shampoo_id).reserved == 0
        assert count(session, StockMove) == 1


def test_what_is_not_here_cannot_be_handed_over(session: Session) -> None:
    later = shelf(session, 1, allows_backorder=True)
    with pytest.raises(NotOnHand, match="only 1 can be handed over"):
        sell(session, product(later, 2), paid=[Paid(CASH, D(20))])


def test_what_belongs_to_somebody_needs_a_customer(session: Session) -> None:
    with pytest.raises(NeedsCustomer):
        sell(session, Item(LineKind.PACKAGE, make.package(session).id), paid=[Paid(CASH, D(999))])


def test_nothing_of_another_vendor_is_sold(shop: int) -> None:
    key, paid = uuid4(), {"paid": [Paid(CASH, D(999))]}
    with acting(vendor_actor(make.new_vendor())), begin() as theirs:
        variant, who, booking = shelf(theirs), make.customer(theirs), make.booking(theirs)
        staff_id = make.staff_member(theirs).id
        number = sell(theirs, product(variant), request_key=key, **paid).order.id
        stolen = Item(LineKind.SERVICE, booking.service_id, booking_id=booking.id)
        variant_id, who_id = variant.id, who.id
    with begin() as session:
        mine, cut = product(shelf(session)), make.service(session).id
        here = make.customer(session).id
    for lines, fields in (
        ([Item(LineKind.PRODUCT, variant_id)], paid),
        ([stolen], paid | {"buyer": Buyer(who_id)}),
        ([Item(LineKind.SERVICE, cut, staff_id=staff_id)], paid),
        ([mine], paid | {"buyer": Buyer(who_id)}),
    ):
        with pytest.raises(DomainError), begin() as session:
            sell(session, *lines, **fields)
    with begin() as session:
        assert sell(session, mine, request_key=key, **paid).order.id != number
    for theft in (
        lambda s: parking.take_up(s, order_id=number),
        lambda s: unnamed.give_to(s, order_id=number, customer_id=here),
    ):
        with pytest.raises(NotFound), begin() as session:
            theft(session)


def test_a_known_customer_may_owe_the_rest_if_somebody_says_so(session: Session) -> None:
    one, who = shelf(session), make.customer(session)
    part = {"buyer": Buyer(who.id), "paid": [Paid(CARD, D(4))]}
    with pytest.raises(StaysDue, match=r"6\.00 is still to be paid"):
        sell(session, product(one), **part)
    done = sell(session, product(one), **part, owing=True)
    assert (done.due, done.receipt) == (6, None)
    assert (done.order.status, done.order.payment_status) == ("fulfilled", "part_paid")


def test_who_pays_nothing_gets_a_receipt_of_nothing(session: Session) -> None:
    free = sell(session, product(shelf(session)), off=Off(percent=D(100), why="A gift"))
    assert (free.order.total, free.order.status) == (0, "completed")
    assert free.receipt is not None


def test_a_receipt_is_mailed_where_it_is_asked_to(session: Session) -> None:
    one, who = shelf(session), make.customer(session, email="ana@example.com")
    paid = [Paid(CASH, D(10))]
    sell(session, product(one), buyer=Buyer(who.id), paid=paid, mail_to="")
    sell(session, product(one), paid=paid, mail_to="rui@example.com")
    promised = select(OutboxMessage.payload).where(OutboxMessage.task == receipts.TASK)
    sent = session.scalars(promised.order_by(OutboxMessage.id)).all()
    assert [message["to"] for message in sent] == [None, "rui@example.com"]
    for nowhere in ("", "rui@", "x" * 5000):
        with pytest.raises(DomainError) as refused:
            sell(session, product(one), paid=paid, mail_to=nowhere)
        assert refused.value.field == "to"


def test_somebody_new_is_taken_in_with_the_sale_and_known_the_next_time(session: Session) -> None:
    one = shelf(session)
    buyer = Buyer(name="Ana Reis", phone="933 018 562")
    first = sell(session, product(one), buyer=buyer, paid=[Paid(CASH, D(10))])
    again = sell(session, product(one), buyer=buyer, paid=[Paid(CASH, D(10))])
    customers = session.scalars(select(Customer)).all()
    assert [(c.full_name, c.phone, c.order_count) for c in customers] == [
        ("Ana Reis", "+351933018562", 2)
    ]
    assert first.order.customer_id == again.order.customer_id == customers[0].id


def test_the_price_of_who_does_it_counts(session: Session) -> None:
    cut, ana = make.service(session, price=D(45)), make.staff_member(session)
    make.staff_service(session, service=cut, staff=ana, price=D(60))
    line = Item(LineKind.SERVICE, cut.id, staff_id=ana.id)
    done = sell(session, line, paid=[Paid(CASH, D(60))])
    assert (done.order.total, done.order.lines[0].staff_id) == (60, ana.id)


# --- bookings ----------------------------------------------------------------------------------


def booked(session: Session, hours: int, **fields: Any) -> Booking:
    return make.booking(session, starts_at=clock.now() + timedelta(hours=hours), **fields)


@pytest.mark.parametrize(
    ("hours", "status", "becomes", "order"),
    [
        (-1, "confirmed", "completed", "completed"),
        (-1, "checked_in", "completed", "completed"),
        (-1, "pending", "completed", "completed"),
        (2, "confirmed", "confirmed", "fulfilled"),
        (2, "pending", "confirmed", "fulfilled"),
    ],
)
def test_what_has_begun_is_completed_and_what_is_to_come_is_paid_in_advance(
    session: Session, hours: int, status: str, becomes: str, order: str
) -> None:
    booking = booked(session, hours, status=status)
    line = Item(
        LineKind.SERVICE, booking.service_id, booking_id=booking.id, off=Off(D(3), why="Late")
    )
    total = booking.price - 3
    done = sell(session, line, buyer=Buyer(booking.customer_id), paid=[Paid(CARD, total)])
    assert (booking.status, done.order.status) == (becomes, order)
    assert done.receipt is not None
    if becomes != "completed":
        assert booking.customer.visit_count == 0
        booking.starts_at = clock.now() - timedelta(hours=1)
        outcomes.complete(session, booking_id=booking.id)
    session.refresh(booking.customer)
    assert (booking.customer.visit_count, booking.customer.total_spent) == (1, total)
    assert interests.drift(session) == []


def test_a_booking_is_paid_once_and_by_its_own_customer(session: Session) -> None:
    booking = booked(session, -1)
    line = Item(LineKind.SERVICE, booking.service_id, booking_id=booking.id)
    paid = [Paid(CASH, D(500))]
    for buyer in (Buyer(), Buyer(make.customer(session).id)):
        with pytest.raises(LineRefused, match="another customer"):
            counter.quote(session, lines=[line], customer_id=buyer.customer_id)
    sell(session, line, buyer=Buyer(booking.customer_id), paid=paid)
    with pytest.raises(DomainError, match="another order already"), begin() as second:
        sell(second, line, buyer=Buyer(booking.customer_id), paid=paid)


# --- asked before ------------------------------------------------------------------------------


def test_a_quote_says_what_the_sale_will_cost_and_writes_nothing(session: Session) -> None:
    make.tax_rate(session, tax_class=make.tax_class(session, is_default=True))
    lines = [
        product(shelf(session, price="9.99"), 3, off=Off(percent=D("12.5"), why="Old stock")),
        Item(LineKind.SERVICE, make.service(session, price=D("45.55")).id),
        Item(LineKind.FEE, amount=D("0.01"), name="Bag"),
    ]
    off = Off(D("7.77"), why="Regular")
    before = count(session, Order)
    quoted = counter.quote(session, lines=lines, off=off)
    assert count(session, Order) == before
    assert not session.new
    sold = sell(session, *lines, off=off, paid=[Paid(CASH, quoted.total)]).order
    assert (sold.total, sold.tax) == (quoted.total, quoted.tax)
    shown = [(x.name, x.unit_price, x.discount, x.total, x.tax) for x in quoted.lines]
    assert shown == [(x.name, x.unit_price, x.discount, x.total, x.tax) for x in sold.lines]


# --- put aside ---------------------------------------------------------------------------------


def test_what_is_put_aside_is_taken_up_by_one_and_sold_as_the_same_order(session: Session) -> None:
    one, key = shelf(session), uuid4()
    booking = booked(session, -1)
    lines = [product(one), Item(LineKind.SERVICE, booking.service_id, booking_id=booking.id)]
    buyer = Buyer(booking.customer_id)
    with pytest.raises(NothingToPark):
        parking.park(session, request_key=key, lines=[])
    parked = parking.park(session, request_key=key, lines=lines, buyer=buyer)
    assert (parked.status, one.reserved) == ("draft", 0)
    assert parking.park(session, request_key=key, lines=lines, buyer=buyer).id == parked.id
    assert [order.id for order in parking.waiting(session)] == [parked.id]
    parking.take_up(session, order_id=parked.id)
    with pytest.raises(TakenMeanwhile):
        parking.take_up(session, order_id=parked.id)
    assert parking.waiting(session) == []
    parking.park(session, request_key=key, lines=lines, buyer=buyer)
    done = sell(
        session, product(one, 2), lines[1], request_key=key, buyer=buyer, paid=[Paid(CASH, D(999))]
    )
    assert done.order.id == parked.id
    assert (done.order.parked_at, done.order.status) == (None, "completed")
    assert [line.quantity for line in done.order.lines] == [2, 1]
    with pytest.raises(SoldMeanwhile):
        parking.park(session, request_key=key, lines=lines, buyer=buyer)
    assert parking.discard(session, request_key=key) is done.order
    assert done.order.status == "completed"


def test_what_is_given_up_is_gone(session: Session) -> None:
    key = uuid4()
    assert parking.discard(session, request_key=key) is None
    parking.park(session, request_key=key, lines=[product(shelf(session))])
    given_up = parking.discard(session, request_key=key)
    assert given_up is not None
    assert (given_up.status, given_up.number, given_up.parked_at) == ("cancelled", None, None)


# --- given to somebody later -------------------------------------------------------------------


def test_an_anonymous_sale_becomes_somebodys_once(session: Session) -> None:
    one = shelf(session, warranty_months=12)
    cut = make.service(session, price=D(45))
    sale = sell(
        session, product(one), Item(LineKind.SERVICE, cut.id), paid=[Paid(CASH, D(55))]
    )  # fmt: skip
    who, other = make.customer(session), make.customer(session)
    gone = make.customer(session, archived_at=clock.now())
    with pytest.raises(NotHere):
        unnamed.give_to(session, order_id=sale.order.id, customer_id=gone.id)
    unnamed.give_to(session, order_id=sale.order.id, customer_id=who.id)
    session.refresh(who)
    assert (who.order_count, who.total_spent, who.services_spent) == (1, 55, 45)
    assert who.last_order_at == sale.order.placed_at
    assert session.scalars(select(Cover.customer_id)).all() == [who.id]
    assert interests.drift(session) == []
    for later in (who, other):
        with pytest.raises(IsSomebodys):
            unnamed.give_to(session, order_id=sale.order.id, customer_id=later.id)
    draft = parking.park(session, request_key=uuid4(), lines=[product(one)])
    with pytest.raises(NotSold):
        unnamed.give_to(session, order_id=draft.id, customer_id=who.id)
