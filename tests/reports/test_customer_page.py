"""The customer's page: the time line page after page, and figures worked out by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import bookings, interests, orders, packages, usages
from app.operations.lines import DraftLine
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Customer
from models.orders import LineKind
from reports import customer_figures, customer_months, timeline
from reports.customer_figures import Revenue
from reports.timeline import Cursor, Item, Tab
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def whole(session: Session, customer: Customer, **fields: Any) -> list[Item]:
    """The time line, collected page by page."""
    items: list[Item] = []
    after = None
    for _ in range(100):
        page = timeline.page(
            session, vendor_id=customer.vendor_id, customer_id=customer.id, after=after, **fields
        )
        items += page.items
        after = page.next
        if after is None:
            return items
    raise AssertionError("The time line has no end.")


def busy_customer(session: Session) -> Customer:
    """A customer with something of every kind, several of them at the same moment."""
    customer = make.customer(session)
    staff = make.staff_member(session, name="Daan")
    for n in range(7):
        make.booking(session, customer=customer, starts_at=make.NOON - timedelta(days=n))
        make.order(session, customer=customer, placed_at=make.NOON - timedelta(days=n))
    make.booking(session, customer=customer, staff=staff, starts_at=make.NOON + timedelta(days=3))
    make.order(session, customer=customer, number=None, status="draft", placed_at=None)
    make.task(session, customer=customer, title="Call about the cream")
    make.holding(session, customer=customer)
    make.membership(session, customer=customer)
    make.consent(session, customer=customer)
    order = make.order(session, customer=customer, handing="delivery", placed_at=make.NOON)
    line = order.lines[0]
    payment = make.payment(session, order=order, tender="card")
    make.payment(session, order=order, status="failed", captured_at=None)
    make.refund(session, payment=payment, amount=Decimal("2.50"), reason="Came late")
    make.product_return(session, order=order)
    sent = make.shipment(session, order=order)
    sent.status, sent.delivered_at = "delivered", make.NOON
    session.flush()
    make.shipment(session, order=make.order(session))
    make.invoice(session, order=order, kind="credit_note", number=7)
    cover = make.cover(session, line=line, customer_id=customer.id, name="Feeder")
    make.warranty_claim(session, cover=cover, problem="It hums")
    make.credit_entry(session, customer=customer, amount=Decimal(5), reason="Sorry")
    customer.phone = "+31612348890"
    session.flush()
    make.message(session, customer=customer, direction="in", channel="sms", body="Yes\nplease")
    make.message(session, customer=customer, event="booking_moved")
    make.booking(session)  # somebody else's
    return customer


@pytest.mark.parametrize("size", [1, 2, 3, 25])
def test_pages_hold_every_item_once_newest_first(shop: int, size: int) -> None:
    with begin() as session:
        customer = busy_customer(session)
        items = whole(session, customer, size=size)
        assert [item.at for item in items] == sorted((i.at for i in items), reverse=True)
        assert len({(item.kind, item.id) for item in items}) == len(items)
        kinds = [item.kind for item in items]
        assert {kind: kinds.count(kind) for kind in set(kinds)} == {
            "booking": 8,
            "order": 9,
            "payment": 1,
            "refund": 1,
            "return": 1,
            "shipment": 1,
            "document": 1,
            "cover": 1,
            "claim": 1,
            "credit": 1,
            "task": 1,
            "package": 1,
            "membership": 1,
            "consent": 1,
            "change": 3,
            "message_sms": 1,
            "message_email": 1,
        }


def test_every_tab_narrows_the_line(shop: int) -> None:
    with begin() as session:
        customer = busy_customer(session)
        kinds = {tab: {i.kind for i in whole(session, customer, tab=tab, size=2)} for tab in Tab}
        assert kinds.pop(Tab.EVERYTHING) == set().union(*kinds.values())
        assert kinds == {
            Tab.BOOKINGS: {"booking"},
            Tab.ORDERS: {
                "order",
                "payment",
                "refund",
                "return",
                "shipment",
                "document",
                "cover",
                "claim",
                "credit",
            },
            Tab.MESSAGES: {"message_sms", "message_email"},
            Tab.TASKS: {"task"},
            Tab.HOLDINGS: {"package", "membership"},
            Tab.CHANGES: {"consent", "change"},
        }
        counted = timeline.counts(session, vendor_id=shop, customer_id=customer.id)
        assert counted == {Tab.BOOKINGS: 8, Tab.ORDERS: 9, Tab.MESSAGES: 2, Tab.TASKS: 1}


def test_a_conversation_is_told_in_words(shop: int) -> None:
    with begin() as session:
        customer = busy_customer(session)
        make.message(
            session, customer=customer, subject="News", body="Hello\nthere", status="failed",
            error="The mail server refuses it.", failed_at=make.NOON, user_id=1,
        )  # fmt: skip
        make.message(session, customer=customer, channel="phone", body="Rang", status="delivered")
        told = {i.title: i for i in whole(session, customer, tab=Tab.MESSAGES)}
    assert {
        title: (i.kind, i.detail, i.status, i.who) for title, i in told.items()
    } == {
        "Yes please": ("message_sms", "SMS · from the customer", "received", None),
        "Booking moved": ("message_email", "E-mail", "queued", None),
        "News": ("message_email", "E-mail · The mail server refuses it.", "failed", "Backroom"),
        "Rang": ("message_phone", "Call", "logged", None),
    }  # fmt: skip


def test_an_item_says_what_when_and_by_whom(shop: int) -> None:
    with begin() as session:
        items = whole(session, busy_customer(session))
        first = next(i for i in items if i.kind == "booking")  # changes are of today, whenever
        assert (first.detail, first.status) == ("Daan", "confirmed")
        assert first.amount == Decimal("40.00")
        change = next(i for i in items if i.title == "Customer changed")
        assert [str(c.label) for c in change.changes] == ["Phone"]
        assert (change.changes[0].old, change.changes[0].new) == (None, "+31612348890")
        assert change.who == "Backroom"
        consent = next(i for i in items if i.kind == "consent")
        assert (consent.title, consent.status) == ("Marketing by e-mail", "yes")
        assert {i.title for i in items if i.kind == "order" and i.status == "draft"} == {
            "Draft order"
        }
        assert all(i.detail == "Something" for i in items if i.kind == "order")


def test_what_comes_of_an_order_says_what_it_is(shop: int) -> None:
    with begin() as session:
        customer = busy_customer(session)
        said = {i.kind: i for i in whole(session, customer, tab=Tab.ORDERS)}
        order = next(i for i in whole(session, customer) if i.id == said["refund"].page_id)
        assert (said["payment"].title, said["payment"].amount) == ("Paid by card", 10)
        assert (said["refund"].title, said["refund"].amount) == ("Money given back", -2.5)
        assert said["refund"].detail == f"{order.title} · Came late"
        assert said["return"].detail == f"{order.title} · Too small"
        assert said["document"].title == "Credit note 7"
        assert said["cover"].detail == "Feeder · until 19 November 2028"
        assert said["claim"].detail == "Feeder · It hums"
        assert (said["credit"].amount, said["credit"].detail) == (5, "Sorry")


@given(st.text() | st.sampled_from(["~", "2026-01-01~1~2", "2026-01-01T00:00:00+00:00~1~-4"]))
def test_what_is_no_cursor_is_no_cursor(words: str) -> None:
    assert Cursor.read(words) is None


def test_a_cursor_reads_as_it_was_written() -> None:
    cursor = Cursor(make.NOON, 3, 17)
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize("tab", Tab)
def test_the_line_reads_indexes_only(shop: int, tab: Tab) -> None:
    with begin() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = {"vendor_id": shop, "customer_id": 1, "most": 26, "at": make.NOON, "rank": 1}
        query = timeline.query(tab, goes_on=True).params(id=5, **asked)
        compiled = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(
            session.scalars(text(f"EXPLAIN {str(compiled).replace(':', chr(92) + ':')}"))
        )
        assert "Seq Scan" not in plan


def test_the_figures_are_those_of_bookings_and_orders(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        service = make.service(session, name="Full groom", price=Decimal("50.00"))
        for days in (90, 60, 0):
            booking = make.booking(
                session,
                customer=customer,
                service=service,
                starts_at=make.NOON - timedelta(days=days, hours=1),
            )
            bookings.complete(session, booking_id=booking.id)
        missed = make.booking(session, customer=customer, starts_at=make.NOON - timedelta(days=9))
        bookings.mark_no_show(session, booking_id=missed.id)
        coming = make.booking(
            session, customer=customer, service=service, starts_at=make.NOON + timedelta(days=5)
        )
        variant = make.variant(session, price=Decimal("12.50"))
        package = make.package(session, price=Decimal("90.00"))
        draft = orders.save_draft(
            session,
            customer_id=customer.id,
            lines=[
                DraftLine(LineKind.PRODUCT, variant.id, quantity=2),
                DraftLine(LineKind.PACKAGE, package.id),
                DraftLine(LineKind.TIP, unit_price=Decimal("5.00")),
            ],
        )
        orders.place(session, order_id=draft.id)
        orders.complete(session, order_id=draft.id)
        session.refresh(customer)
        figures = customer_figures.figures(session, customer=customer, now=make.NOON)
    assert (figures.visits, figures.orders, figures.no_shows) == (3, 1, 1)
    assert figures.spent == 270
    assert figures.revenue == Revenue(
        *map(Decimal, (150, 25, 90, 0)), extras=None, rest=Decimal(5)
    )  # fmt: skip
    assert (figures.order_value, figures.every_days) == (120, 45)
    assert (figures.next_visit_at, figures.next_visit) == (coming.starts_at, "Full groom")
    bought = [(i.kind, i.times, i.spent) for i in figures.interests]
    assert bought == [("appointment", 3, 150), ("package", 1, 90), ("product", 2, 25)]
    months = {str(m.first): (m.services, m.products) for m in figures.months}
    assert len(months) == 12
    assert next(iter(months)) == "2025-12-01"
    assert months["2026-08-01"] == (50, 0)
    assert months["2026-09-01"] == (50, 0)
    assert months["2026-11-01"] == (50, 25)
    assert sum(both for pair in months.values() for both in pair) == 175


def test_a_month_is_the_vendors_month(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Pacific/Auckland")
    late = datetime(2026, 10, 31, 12, tzinfo=UTC)  # 1 November in Auckland
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session)
        make.booking(session, customer=customer, starts_at=late, status="completed")
        interests.rebuild(session, customer_ids=[customer.id])
        months = customer_months.months(session, customer, make.NOON)
        assert {str(m.first): m.services for m in months if m.services} == {"2026-11-01": 40}


def test_the_rhythm_at_the_head_is_that_of_what_is_expected(shop: int) -> None:
    days = (date(2026, 1, 5), date(2026, 1, 25), date(2026, 2, 14), date(2026, 8, 1))
    with begin() as session:
        customer = make.customer(session)
        for day in days:
            at = datetime.combine(day, time(12), UTC)
            fields = {"starts_at": at, "completed_at": at, "status": "completed"}
            make.booking(session, customer=customer, **fields)
        customer.visit_count, customer.last_visit_at = len(days), at
        session.flush()
        mean = customer_figures.figures(session, customer=customer, now=make.NOON)
        assert (mean.every_days, mean.outlook.every_days) == (69, None)
        usages.rebuild(session, customers=[(customer.vendor_id, customer.id)])
        known = customer_figures.figures(session, customer=customer, now=make.NOON)
        assert (known.every_days, known.outlook.every_days) == (20, 20)


def test_a_new_customer_has_empty_figures(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        figures = customer_figures.figures(session, customer=customer, now=make.NOON)
        assert (figures.order_value, figures.every_days, figures.next_visit) == (None, None, None)
        assert figures.interests == []
        assert {(m.services, m.products) for m in figures.months} == {(0, 0)}
        assert [i.title for i in whole(session, customer)] == ["Customer added"]


def test_the_marketplace_sees_the_same_line(shop: int) -> None:
    with begin() as session:
        customer = busy_customer(session)
        packages.hand_out(session, customer_id=customer.id, package_id=make.package(session).id)
        mine = whole(session, customer)
    with acting(admin_actor()), begin() as session:
        assert whole(session, customer) == mine
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        assert whole(session, customer) == []
