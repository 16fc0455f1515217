"""Who is behind a row of a report of one's own: counted where several vendors are looked at.

A row of fewer than five customers is not shown then, nor is it in the sums. How many they are, the
bookings and orders themselves tell: those near the period, whose days are looked at afterwards.
"""

from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Select,
    and_,
    cast,
    func,
    literal,
    select,
    union_all,
)

from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.packages import Package
from models.products import Product, Variant
from models.services import Service
from models.vendors import Vendor
from reports.report import Period
from reports.spans import DAY


def _day(moment: Any) -> ColumnElement[Any]:
    return cast(func.timezone(Vendor.time_zone, moment), Date)


def _person() -> ColumnElement[Any]:
    return func.coalesce(Customer.person_id, -Customer.id)


_SETTLED = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)


def _bookings(*those: ColumnElement[bool], at: Any = Booking.starts_at) -> Select[Any]:
    local = func.timezone(Vendor.time_zone, Booking.starts_at)
    return (
        select(
            Booking.vendor_id,
            _day(at).label("starts_on"),
            literal(LineKind.SERVICE.value).label("kind"),
            Booking.service_id.label("item_id"),
            Booking.service_id,
            func.coalesce(Service.category_id, 0).label("category_id"),
            Booking.channel,
            func.coalesce(Booking.staff_id, 0).label("staff_id"),
            func.extract("isodow", local).label("weekday"),
            func.extract("hour", local).label("hour"),
            _person().label("person"),
        )
        .join(Vendor, Vendor.id == Booking.vendor_id)
        .join(
            Service,
            and_(Service.vendor_id == Booking.vendor_id, Service.id == Booking.service_id),
        )
        .join(
            Customer,
            and_(Customer.vendor_id == Booking.vendor_id, Customer.id == Booking.customer_id),
        )
        .where(Booking.held_until.is_(None), *those)
    )


def _since(at: Any, period: Period) -> ColumnElement[bool]:
    """From the period on, whatever the clock; an index finds it."""
    since: ColumnElement[bool] = at >= datetime.combine(period.first - DAY, time(), UTC)
    return since


def _near(at: Any, period: Period) -> ColumnElement[bool]:
    """In the period, or a day beside it."""
    return and_(_since(at, period), at < datetime.combine(period.last + 2 * DAY, time(), UTC))


def booked(period: Period) -> FromClause:
    """Whose bookings began then."""
    return _bookings(_near(Booking.starts_at, period)).subquery("behind")


def bought(period: Period) -> FromClause:
    """Who bought what then: completed visits, and lines of settled orders that sold none."""
    line = OrderLine
    category = func.coalesce(
        Service.category_id, Product.category_id, Package.category_id, 0
    )  # fmt: skip
    item = func.coalesce(line.service_id, Variant.product_id, line.package_id, line.plan_id, 0)
    orders = (
        select(
            Order.vendor_id,
            _day(Order.fulfilled_at).label("starts_on"),
            line.kind,
            item.label("item_id"),
            func.coalesce(line.service_id, 0).label("service_id"),
            category.label("category_id"),
            Order.channel,
            func.coalesce(line.staff_id, 0).label("staff_id"),
            literal(0).label("weekday"),
            literal(0).label("hour"),
            _person().label("person"),
        )
        .join(line, and_(line.vendor_id == Order.vendor_id, line.order_id == Order.id))
        .join(Vendor, Vendor.id == Order.vendor_id)
        .join(
            Customer, and_(Customer.vendor_id == Order.vendor_id, Customer.id == Order.customer_id)
        )
        .outerjoin(Service, _is(Service, line.service_id))
        .outerjoin(Variant, _is(Variant, line.variant_id))
        .outerjoin(Product, _is(Product, Variant.product_id))
        .outerjoin(Package, _is(Package, line.package_id))
        .outerjoin(MembershipPlan, _is(MembershipPlan, line.plan_id))
        .where(
            Order.status.in_(_SETTLED),
            line.booking_id.is_(None),
            _near(Order.fulfilled_at, period),
        )
    )
    visits = _bookings(
        Booking.status == BookingStatus.COMPLETED,
        _since(Booking.starts_at, period),  # some are over before they should begin
        at=func.least(Booking.starts_at, Booking.completed_at),
    )
    return union_all(orders, visits).subquery("behind")


def _is(model: Any, key: Any) -> ColumnElement[bool]:
    return and_(model.vendor_id == key.class_.vendor_id, model.id == key)
