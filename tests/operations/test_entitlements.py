"""What members and holders of packages get: prices, included uses, access; held, used, given up."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import (
    balances,
    bookings,
    counter,
    entitlements,
    freezes,
    interests,
    memberships,
    orders,
    package_refunds,
    package_uses,
    packages,
    refunds,
)
from app.operations.counter import Buyer, Item, Paid
from app.operations.entitlements import MembersOnly, NothingToUse
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.memberships import BenefitKind, Reach
from models.orders import LineKind, OrderLine
from models.packages import HoldingStatus, PackageHolding
from models.payments import Tender
from tests import make

DAY = timedelta(days=1)
D = Decimal
INCLUDED, ACCESS = BenefitKind.INCLUDED, BenefitKind.ACCESS


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def numbers(holding: PackageHolding) -> tuple[int, ...]:
    """Left, held, used, forfeited, expired, refunded."""
    return tuple(
        getattr(holding, f"uses_{name}")
        for name in ("left", "held", "used", "forfeited", "expired", "refunded")
    )


def member_of(session: Session, customer: Customer, *benefits: dict[str, Any], **plan: Any) -> Any:
    joined = make.plan(session, **plan)
    for fields in benefits:
        make.plan_benefit(session, plan=joined, **fields)
    return memberships.join(session, customer_id=customer.id, plan_id=joined.id)


def holding_of(session: Session, customer: Customer, service: Any, **fields: Any) -> PackageHolding:
    package = make.package(session, service_id=service.id, uses=fields.pop("uses", 3))
    held = packages.hand_out(session, customer_id=customer.id, package_id=package.id)
    held.expires_at = fields.get("expires_at")
    session.flush()  # what else is asked for is read
    return held


def lines_of(session: Session, customer: Customer, *lines: Item) -> list[OrderLine]:
    return list(counter.quote(session, lines=lines, customer_id=customer.id).lines)


def service_item(service: Any, **fields: Any) -> Item:
    return Item(LineKind.SERVICE, service.id, **fields)


def test_members_have_their_price_and_the_best_of_several(shop: int) -> None:
    with acting(SYSTEM), begin() as session:
        parent = make.category(session, kind="service")
        child = make.category(session, kind="service", parent_id=parent.id)
    with begin() as session:
        customer = make.customer(session)
        cut = make.service(session, price=D(50), category_id=child.id)
        wash = make.service(session, price=D(20))
        brush = make.variant(session, price=D(10))
        member_of(session, customer, {"percent": D(10), "reach": Reach.SERVICES}, name="Silver")
        gold = member_of(
            session, customer, {"percent": D(20), "category_id": parent.id},
            {"percent": D(5), "product_id": brush.product_id}, name="Gold",
        )  # fmt: skip
        items = service_item(cut), service_item(wash), Item(LineKind.PRODUCT, brush.id, 2)
        kept = lines_of(session, customer, *items)
        assert [line.total for line in kept] == [40, 18, 19]
        [_, step] = kept[0].price_steps or []
        assert step == {
            "step": "member_price", "amount": "10.00", "why": "Gold: 20% off", "source": gold.id,
        }  # fmt: skip
        assert [line.total for line in lines_of(session, make.customer(session), *items)] == [
            50, 20, 20,
        ]  # fmt: skip
        booked = bookings.book(
            session, customer_id=customer.id, service_id=cut.id, starts_at=make.NOON + DAY
        )
        assert booked.price == 40
        [line] = lines_of(session, customer, service_item(cut, booking_id=booked.id))
        assert line.total == 40  # it was taken off when it was booked
        memberships.end(session, membership_id=gold.id)
        assert lines_of(session, customer, service_item(cut))[0].total == 45


def test_a_membership_gives_nothing_while_it_rests_or_once_its_time_is_over(shop: int) -> None:
    with begin() as session:
        customer, cut = make.customer(session), make.service(session, price=D(50))
        member = member_of(session, customer, {"percent": D(10)})
        ends = member.period_ends_at

        def price(at: Any) -> Decimal:
            with clock.stopped_at(at):
                return lines_of(session, customer, service_item(cut))[0].total

        assert (price(ends - timedelta(minutes=1)), price(ends)) == (45, 50)
        freezes.freeze(session, membership_id=member.id, until=make.NOON + 10 * DAY)
        assert [price(make.NOON + day * DAY) for day in (0, 9)] == [50, 50]
        later = entitlements.of(session, customer_id=customer.id, vendor_id=shop, at=ends + 5 * DAY)
        assert [one.until for one in later.members] == [ends + 10 * DAY]
        with clock.stopped_at(make.NOON + 4 * DAY):
            freezes.resume(session, membership_id=member.id)
        assert member.period_ends_at == ends + 4 * DAY
        assert price(ends + 4 * DAY - timedelta(minutes=1)) == 45


def test_a_service_for_members_is_for_them_and_for_higher_levels(shop: int) -> None:
    with begin() as session:
        sauna = make.service(session, name="Sauna")
        fields = {"kind": ACCESS, "service_id": sauna.id}
        silver, higher, other, nobody = (make.customer(session) for _ in range(4))
        member_of(session, silver, fields, level=2, name="Silver")
        member_of(session, higher, level=3)
        member_of(session, other, level=1)
        sold = {"service_id": sauna.id, "starts_at": make.NOON + DAY}
        for customer in (silver, higher):
            bookings.book(session, customer_id=customer.id, **sold)
            assert lines_of(session, customer, service_item(sauna))
        for customer in (other, nobody):
            with pytest.raises(
                MembersOnly, match=r"Sauna is for members only: sell a memb.*Silver"
            ):
                bookings.book(session, customer_id=customer.id, **sold)
            with pytest.raises(MembersOnly) as caught:
                lines_of(session, customer, service_item(sauna))
            assert caught.value.field == "lines.0.item_id"


def test_what_ends_first_is_used_first_and_is_held_used_and_released(shop: int) -> None:
    with begin() as session:
        customer, cut = make.customer(session), make.service(session, price=D(50))
        endless = holding_of(session, customer, cut, uses=2)
        member = member_of(session, customer, {"kind": INCLUDED, "uses": 1, "service_id": cut.id})
        soon = holding_of(session, customer, cut, uses=1, expires_at=make.NOON + 9 * DAY)
        common = {"customer_id": customer.id, "service_id": cut.id, "use": True}

        def book(day: int) -> Booking:
            return bookings.book(session, starts_at=make.NOON + day * DAY, **common)

        first, second, late = book(1), book(2), book(12)
        assert [one.price for one in (first, second, late)] == [0, 0, 0]
        assert (numbers(soon)[:2], numbers(endless)[:2]) == ((0, 1), (1, 1))
        for booking in (first, second, late):
            bookings.confirm(session, booking_id=booking.id)
        bookings.cancel(session, booking_id=first.id, by="customer")
        assert numbers(soon) == (1, 0, 0, 0, 0, 0)
        with clock.stopped_at(make.NOON + 3 * DAY):
            bookings.complete(session, booking_id=second.id)
        [taken] = entitlements.used(
            session, period_ids=[member.periods[0].id]
        ).values()  # the membership's own use paid for the second
        assert taken == 1
        with clock.stopped_at(make.NOON + 12 * DAY):
            bookings.complete(session, booking_id=late.id)
        assert numbers(endless) == (1, 0, 1, 0, 0, 0)
        assert interests.drift(session) == [] == balances.drift(session)
        book(3)
        book(13)
        with pytest.raises(NothingToUse):
            book(14)


def test_who_cancels_late_or_does_not_come_forfeits_the_use(shop: int) -> None:
    with begin() as session:
        make.policy(session)
        customer, cut = make.customer(session), make.service(session, price=D(50))
        held = holding_of(session, customer, cut, uses=5)

        def book(hours: int) -> int:
            return bookings.book(
                session, customer_id=customer.id, service_id=cut.id, holding_id=held.id,
                starts_at=make.NOON + timedelta(hours=hours), status="confirmed",
            ).id  # fmt: skip

        ids = [book(hours) for hours in (3, 5, 7, 30, 50)]
        assert (numbers(held), held.status) == ((0, 5, 0, 0, 0, 0), HoldingStatus.ACTIVE)
        bookings.cancel(session, booking_id=ids[0], by="customer")
        bookings.cancel(session, booking_id=ids[1], by="customer", waive="ill")
        bookings.cancel(session, booking_id=ids[2], by="vendor")
        bookings.cancel(session, booking_id=ids[3], by="customer")
        assert numbers(held) == (3, 1, 0, 1, 0, 0)
        with clock.stopped_at(make.NOON + 3 * DAY):
            bookings.mark_no_show(session, booking_id=ids[4])
            assert numbers(held) == (3, 0, 0, 2, 0, 0)
            bookings.reopen(session, booking_id=ids[4])
            assert numbers(held) == (3, 1, 0, 1, 0, 0)
            bookings.mark_no_show(session, booking_id=ids[4])
            bookings.complete(session, booking_id=ids[4])
        assert numbers(held) == (3, 0, 1, 1, 0, 0)
        forfeited = next(e for e in held.entries if e.kind == "forfeit")
        package_uses.restore(session, entry_id=forfeited.id)
        with pytest.raises(DomainError):
            package_uses.restore(session, entry_id=forfeited.id)
    with begin() as session:
        held = session.get_one(PackageHolding, held.id)
        assert numbers(held) == (4, 0, 1, 0, 0, 0)
        assert balances.drift(session) == [] == interests.drift(session)


def test_a_line_is_paid_for_by_a_package_and_gives_the_use_back_when_it_is_called_off(
    shop: int,
) -> None:
    with begin() as session:
        customer, cut = make.customer(session), make.service(session, price=D(50))
        other = make.service(session)
        held = holding_of(session, customer, cut)
        item = service_item(cut, quantity=2, holding_id=held.id)
        [line] = lines_of(session, customer, item)
        assert (line.total, line.discount) == (0, 100)
        wrong = (
            ([item, item], "lines.1.holding_id"),
            ([service_item(other, holding_id=held.id)], "lines.0.holding_id"),
            ([Item(LineKind.PRODUCT, make.variant(session).id, holding_id=held.id)],
             "lines.0.holding_id"),
        )  # fmt: skip
        for items, field in wrong:
            with pytest.raises(DomainError) as caught:
                lines_of(session, customer, *items)
            assert caught.value.field == field
        with pytest.raises(NothingToUse):
            lines_of(session, make.customer(session), item)
        sale = counter.sell(session, request_key=uuid4(), lines=[item], buyer=Buyer(customer.id))
        assert (sale.order.status, sale.order.total) == ("completed", 0)
        assert numbers(held) == (1, 0, 2, 0, 0, 0)
        draft = orders.save_draft(
            session, customer_id=customer.id,
            lines=[DraftLine(LineKind.SERVICE, cut.id, holding_id=held.id)],
        )  # fmt: skip
        assert numbers(held)[:2] == (1, 0)
        orders.place(session, order_id=draft.id)
        assert numbers(held)[:2] == (0, 1)
        orders.cancel(session, order_id=draft.id)
        assert numbers(held)[:2] == (1, 0)
        assert balances.drift(session) == [] == interests.drift(session)


def test_a_booking_to_come_that_a_package_pays_for_at_the_counter_uses_it_when_it_is_given(
    shop: int,
) -> None:
    with begin() as session:
        customer, cut = make.customer(session), make.service(session, price=D(50))
        held = holding_of(session, customer, cut)
        booked = bookings.book(
            session, customer_id=customer.id, service_id=cut.id, starts_at=make.NOON + DAY
        )
        item = service_item(cut, booking_id=booked.id, holding_id=held.id)
        sale = counter.sell(session, request_key=uuid4(), lines=[item], buyer=Buyer(customer.id))
        assert (sale.due, booked.price, numbers(held)[:3]) == (0, 0, (2, 1, 0))
        with clock.stopped_at(make.NOON + 2 * DAY):
            bookings.complete(session, booking_id=booked.id)
        assert numbers(held)[:3] == (2, 0, 1)
        assert balances.drift(session) == [] == interests.drift(session)


def test_a_package_of_tests_has_each_test_as_often_as_it_says(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        blood, sugar, other = (make.service(session, kind="lab_test") for _ in range(3))
        package = make.package(session, service_id=None, uses=3)
        make.package_service(session, package=package, service=blood, most=1)
        make.package_service(session, package=package, service=sugar)
        held = make.holding(session, customer=customer, package=package)

        def book(service: Any, day: int = 1) -> Booking:
            return bookings.book(
                session, customer_id=customer.id, service_id=service.id, holding_id=held.id,
                starts_at=make.NOON + day * DAY,
            )  # fmt: skip

        first = book(blood)
        for service in (blood, other):
            with pytest.raises(NothingToUse):
                book(service)
        bookings.cancel(session, booking_id=first.id)
        book(blood)
        book(sugar)
        book(sugar, 2)
        assert numbers(held)[:2] == (0, 3)


def sold(session: Session, customer: Customer, *, uses: int, price: Decimal, many: int) -> Any:
    package = make.package(session, uses=uses, price=price)
    item = Item(LineKind.PACKAGE, package.id, many)
    paid = Paid(Tender.CASH, price * many)
    return counter.sell(
        session, request_key=uuid4(), lines=[item], buyer=Buyer(customer.id), paid=[paid]
    ).order


def test_what_is_unused_is_given_back_at_what_a_use_had_cost(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        order = sold(session, customer, uses=3, price=D("100.00"), many=2)
        first, second = (
            session.get_one(PackageHolding, n)
            for n in packages.sold_by(
                session, order_id=order.id, package_id=order.lines[0].package_id
            )
        )
        package_uses.use_one(session, holding_id=first.id)
        assert package_refunds.worth(session, holding_id=first.id) == D("66.67")
        package_refunds.refund(session, holding_id=first.id, reason="Moves away")
        assert (order.refunded, numbers(first), first.status) == (
            D("66.67"), (0, 0, 1, 0, 0, 2), HoldingStatus.CANCELLED,
        )  # fmt: skip
        with pytest.raises(packages.NotActive):
            package_refunds.refund(session, holding_id=first.id, reason="Again")
        package_refunds.refund(session, holding_id=second.id, reason="Moves away")
        assert order.refunded == D("166.67")
        assert balances.drift(session) == [] == interests.drift(session)


def test_a_package_whose_money_was_given_back_whole_cannot_be_used_any_more(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        order = sold(session, customer, uses=4, price=D(80), many=1)
        [number] = packages.sold_by(
            session, order_id=order.id, package_id=order.lines[0].package_id
        )
        held = session.get_one(PackageHolding, number)
        refunds.give(session, order_id=order.id, reason="Half", lines={order.lines[0].id: D(40)})
        assert held.status == HoldingStatus.ACTIVE
        refunds.give(session, order_id=order.id, reason="All", lines={order.lines[0].id: D(40)})
        assert (held.status, numbers(held)) == (HoldingStatus.CANCELLED, (0, 0, 0, 0, 0, 4))


def test_a_package_that_has_run_out_is_extended(shop: int) -> None:
    with begin() as session:
        customer, cut = make.customer(session), make.service(session)
        held = holding_of(session, customer, cut, expires_at=make.NOON + DAY)
        common = {"customer_id": customer.id, "service_id": cut.id, "holding_id": held.id}
        booked = bookings.book(session, starts_at=make.NOON + timedelta(hours=1), **common)
        with pytest.raises(NothingToUse):
            bookings.book(session, starts_at=make.NOON + 2 * DAY, **common)
        with clock.stopped_at(make.NOON + 2 * DAY):
            assert packages.expire(session, now=clock.now()) == 1
            assert numbers(held) == (0, 1, 0, 0, 2, 0)
            bookings.cancel(session, booking_id=booked.id)
            assert numbers(held) == (0, 0, 0, 0, 3, 0)
            with pytest.raises(packages.NotLater):
                packages.extend(session, holding_id=held.id, until=clock.now())
            packages.extend(session, holding_id=held.id, until=clock.now() + DAY)
            assert (numbers(held), held.status) == ((3, 0, 0, 0, 0, 0), HoldingStatus.ACTIVE)
        assert balances.drift(session) == []
