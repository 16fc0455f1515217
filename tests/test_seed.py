"""The demo's data is true, valid, and the same for everybody who looks."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Date, cast, func, make_url, select
from sqlalchemy.orm import selectinload

from app import clock, seed
from app.database import begin
from app.operations import balances, coupon_truth, interests, schedules, shelf_truth, stock
from app.settings import settings
from app.tenancy import SYSTEM_USER_ID, acting, admin_actor
from models.audiences import UserFigures
from models.audit import AuditEntry
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.covers import WarrantyClaim
from models.customers import Customer
from models.invoices import Invoice
from models.orders import Order, OrderLine
from models.returns import ProductReturn
from models.tasks import Task
from models.users import User
from models.vendors import Vendor
from models.waitlist import WaitlistEntry
from models.words import Channel
from tests.server import TestServer


@pytest.fixture
def in_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings(), "demo", True)
    monkeypatch.setattr(settings(), "var", tmp_path)


@pytest.mark.usefixtures("in_demo")
def test_the_demo_fills_an_empty_database_once(fresh_database: str, server: TestServer) -> None:
    seed.seed()
    with acting(admin_actor()), begin() as session:
        slugs = set(session.scalars(select(Vendor.slug)))
        emails = set(session.scalars(select(User.email)))
        known = select(Customer.vendor_id, func.count()).group_by(Customer.vendor_id)
        per_vendor = {row[0]: row[1] for row in session.execute(known)}
        drift = [
            one
            for books in (interests, balances, shelf_truth, coupon_truth)
            for one in books.drift(session)  # type: ignore[attr-defined]  # modules of one shape
        ]
        visited = session.scalar(select(func.count()).where(Customer.visit_count > 0))
    assert slugs == {"aurora", "cityvet", "pawhouse", "ironworks", "greencart", "lumen"}
    assert {f"{role}@{slug}.example" for slug in slugs for role in ("manager", "staff")} <= emails
    assert {"admin@backroom.example", "analyst@backroom.example"} <= emails
    assert min(per_vendor.values()) >= 200
    assert drift == []
    assert visited
    assert visited > 800
    with pytest.raises(seed.AlreadyFilled):
        seed.seed()
    seed.date_the_trail(server.owner_url(make_url(fresh_database).database or ""))
    it_happened_when_it_says()
    what_people_did_stands_in_the_trail()
    what_is_to_come_fits()
    what_was_sold_is_taxed_and_delivered()


def what_people_did_stands_in_the_trail() -> None:
    """Each bar of what people made has as many entries behind it."""
    table = UserFigures
    day = cast(func.timezone(Vendor.time_zone, AuditEntry.at), Date)
    last = clock.now().date() - timedelta(days=2)
    with acting(admin_actor()), begin() as session:
        told = session.execute(
            select(table.vendor_id, table.starts_on, table.user_id, table.made, table.changed)
            .where(table.grain == "day", table.made + table.changed + table.removed > 0)
        ).all()  # fmt: skip
        made = session.execute(
            select(AuditEntry.vendor_id, day, AuditEntry.user_id, func.count(), 0)
            .join(Vendor, Vendor.id == AuditEntry.vendor_id)
            .where(AuditEntry.user_id > SYSTEM_USER_ID, day <= last)
            .group_by(AuditEntry.vendor_id, day, AuditEntry.user_id)
        ).all()
        signed_in = session.scalar(select(func.sum(table.sign_ins)).where(table.grain == "day"))
    assert sorted(map(tuple, told)) == sorted(map(tuple, made))
    assert len({row[2] for row in told}) == 12
    assert len({row[1] for row in told}) > 500
    assert signed_in


def what_was_sold_is_taxed_and_delivered() -> None:
    """Orders as the house would have left them: taxes, parcels, papers, returns, covers, stock."""
    lately = clock.now() - timedelta(days=100)
    with acting(admin_actor()), begin() as session:
        taxed = select(Vendor.slug, Vendor.prices_include_tax, func.max(OrderLine.tax_percent))
        found = session.execute(
            taxed.join(OrderLine, OrderLine.vendor_id == Vendor.id).group_by(Vendor.id)
        )
        assert {slug: (included, str(most)) for slug, included, most in found} == {
            "aurora": (True, "23.000"), "cityvet": (True, "21.000"), "pawhouse": (True, "16.000"),
            "ironworks": (False, "8.875"), "greencart": (True, "19.000"), "lumen": (True, "10.000"),
        }  # fmt: skip
        orders = session.scalars(
            select(Order).where(Order.placed_at > lately).options(selectinload(Order.lines))
        ).all()
        for order in orders:
            assert order.total == sum(line.gross for line in order.lines)
            assert order.tax == sum(line.tax for line in order.lines)
            if order.status == "completed":
                goods = order.fulfilment_status in ("delivered", "returned")
                assert goods or not order.pieces
                assert order.paid == order.total
        assert {"unfulfilled", "fulfilled", "delivered"} <= {o.fulfilment_status for o in orders}
        statuses = {order.payment_status for order in orders}
        assert {"unpaid", "paid"} < statuses <= {"unpaid", "paid", "part_refunded", "refunded"}
        kinds = set(session.scalars(select(Invoice.kind)))
        assert kinds == {"receipt", "credit_note"}
        assert set(session.scalars(select(ProductReturn.status))) == {"requested", "settled"}
        assert session.scalars(select(WarrantyClaim)).first() is not None
        assert stock.low(session)


def what_is_to_come_fits() -> None:
    """Bookings to come obey the rule of what may be booked; series and the line are there."""
    now = clock.now()
    with acting(admin_actor()), begin() as session:
        coming = select(Booking).where(
            Booking.starts_at > now, Booking.kind != "class", Booking.staff_id.is_not(None)
        )
        found = list(session.scalars(coming.order_by(Booking.starts_at)))
        assert len({booking.vendor_id for booking in found}) == 6
        for booking in found[::9]:
            fit = schedules.check(
                session, service_id=booking.service_id, staff_id=booking.staff_id,
                starts_at=booking.starts_at, channel=Channel.PHONE, ignore_booking_id=booking.id,
            )  # fmt: skip
            assert booking.price == fit.price
        numbers = select(func.count(), func.max(Booking.series_number)).group_by(Booking.series_id)
        for count, last in session.execute(numbers.where(Booking.series_id.is_not(None))):
            assert count == last >= 20
        full = select(ClassSession).where(ClassSession.taken == ClassSession.seats)
        assert session.scalars(full).first() is not None
        statuses = set(session.scalars(select(WaitlistEntry.status)))
        assert {"waiting", "offered", "cancelled", "expired"} <= statuses


def it_happened_when_it_says() -> None:
    """The trail, the tasks and the bookings tell of two years, in an order that can be."""
    now = clock.now()
    with acting(admin_actor()), begin() as session:
        of_customer = AuditEntry.table_name == "customers", AuditEntry.action == "create"
        told = dict(
            session.execute(select(AuditEntry.row_id, AuditEntry.at).where(*of_customer)).all()
        )
        known = session.execute(select(Customer.id, Customer.created_at)).all()
        assert told == {row.id: row.created_at for row in known}
        assert min(told.values()) < now - timedelta(days=600)
        late = select(func.count()).where(
            AuditEntry.action == "create", AuditEntry.at > now - timedelta(minutes=5),
            AuditEntry.table_name.in_(["customers", "customer_tags", "addresses", "bookings"]),
        )  # fmt: skip
        assert (session.scalar(late) or 0) < 20  # some were booked a moment ago
        zones = dict(session.execute(select(Vendor.id, Vendor.time_zone)).all())
        for task in session.scalars(select(Task)):
            due = task.due_at.astimezone(ZoneInfo(zones[task.vendor_id]))
            assert due.minute in (0, 30)
            assert 6 <= due.hour < 22
            assert task.created_at <= now
            assert task.done_at is None or task.created_at <= task.done_at <= now
        early = (
            select(func.count())
            .select_from(Booking)
            .join(Customer, Customer.id == Booking.customer_id)
        )
        for when in (Booking.starts_at, Booking.created_at):
            assert session.scalar(early.where(when < Customer.created_at)) == 0
