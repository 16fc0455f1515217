"""Covers on screen: what is guaranteed to whom, until when, and what was claimed under it."""

from typing import Any

from sqlalchemy import Date, Select, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.customer_side import may
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import CUSTOMERS
from admin_views.rendering import day, plural
from admin_views.saving import Command
from app import clock
from app.operations import covers, warranty_claims
from models.bookings import Booking
from models.covers import COVER_TRANSITIONS, Cover, CoverKind, CoverStatus
from models.customers import Customer
from models.orders import OrderLine
from models.vendors import Vendor

MOST = 10


def _claim(session: Session, number: int, *, problem: str = "") -> None:
    warranty_claims.claim(session, cover_id=number, problem=problem)


def _may_claim(cover: Cover) -> bool:
    still = [c for c in cover.claims if c.status not in warranty_claims.OVER]
    return cover.status == CoverStatus.ACTIVE and not still


def _name(session: Session, number: int, *, serial: str = "") -> None:
    covers.name_serial(session, cover_id=number, serial=serial)


def _runs(cover: Cover) -> bool:
    return cover.status in covers.RUNNING


def _void(session: Session, number: int) -> None:
    covers.void(session, cover_id=number)


def _may_void(cover: Cover) -> bool:
    return CoverStatus.VOID in COVER_TRANSITIONS[CoverStatus(cover.status)]


class CoverView(HouseView, model=Cover):
    """Warranties of goods and guarantees of services."""

    name, name_plural, icon = "Cover", "Covers", "ti ti-shield-check"
    category, status_kind = "Sales", "cover"
    can_create = can_edit = can_delete = False
    columns = (
        Col("name", "What", value=str),
        Col("customer", "Customer", value=lambda c: c.customer.name if c.customer else "nobody"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="cover", css="c-status"),
        Col("serial", "Serial number", optional=True),
        Col("starts_on", "From", "day"),
        Col("ends_on", "Until", "day"),
    )
    sorts = declared(newest=Sort(Cover.id, descending=True))
    search_hint = "Search item, serial number or customer"
    filters = (
        OneOf("status", "Status", Cover.status, icon="circle-dot", words=CoverStatus),
        of_vendor(Cover.vendor_id),
        OneOf("kind", "Kind", Cover.kind, icon="shield-check", words=CoverKind),
        Related("customer", "Customer", Cover.customer_id, icon="user", lookup=CUSTOMERS),
    )
    loads = (joinedload(Cover.customer),)
    details_loads = (
        joinedload(Cover.customer),
        joinedload(Cover.order_line).joinedload(OrderLine.order),
        selectinload(Cover.claims),
    )
    details = (
        (
            "Cover",
            (
                Col("customer", "Customer", value=lambda c: link_to("customer", c.customer)),
                Col("kind", "Kind", "word"),
                Col("serial", "Serial number"),
                Col("starts_on", "From", "day"),
                Col("ends_on", "Until the end of", "day"),
                Col("suspended_on", "Rests since", "day"),
            ),
        ),
    )
    hides_empty = ("serial", "suspended_on", "customer")
    empty = declared(
        icon="shield-check",
        title="Nothing is covered yet",
        text="Give a variant months of warranty, or a service days in which it is done again:"
        " covers begin by themselves when goods are delivered and services completed.",
    )
    commands = (
        Command(
            "claim", "Claim", _claim, _may_claim, "The claim is written down.", icon="tool",
            primary=True, ask=("What is wrong?", "The claim gets a number of its own."),
            inputs=(("problem", "What the customer says"),),
        ),
        Command(
            "serial", "Serial number", _name, _runs, "The serial number is noted.", icon="barcode",
            ask=("Which piece is it?", "One piece has one running cover."),
            inputs=(("serial", "Serial number (empty: none)"),),
        ),
        Command(
            "void", "End cover", _void, _may_void, "The cover is ended.", icon="circle-x",
            danger=True, ask=("End this cover now?", "Nothing can be claimed under it any more."),
        ),
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By what it is, by serial number, or by customer."""
        like = f"%{_escaped(term)}%"
        return rows.where(
            or_(
                Cover.name.ilike(like, escape="\\"),
                Cover.serial.ilike(like, escape="\\"),
                Cover.customer_id.in_(customer_ids(session, term)),
            )
        )

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Where it comes from, what was claimed, and what it went over to or came from."""
        claims = [
            {
                "title": str(one), "url": f"/admin/warranty-claim/details/{one.id}",
                "sub": f"{day(one.opened_at)} · {one.problem}", "status": one.status,
                "status_kind": "claim", "icon": "tool",
            }
            for one in reversed(record.claims)
        ]  # fmt: skip
        related = [{"title": "Comes from", "rows": _sources(session, record)}]
        if may("list", "warranty-claim"):
            related.insert(0, {"title": "Claims", "rows": claims, "empty": "nothing was claimed"})
        return {"related": related, "page_hint": _left(session, record)}


def _escaped(term: str) -> str:
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _left(session: Session, cover: Cover) -> str:
    """How long it still holds: 631 days left."""
    if cover.status not in covers.RUNNING or covers.is_over(session, cover):
        return ""
    days = covers.left(session, cover)
    return f"{plural(days, 'day')} left" if days else "today is its last day"


def _sources(session: Session, cover: Cover) -> list[dict[str, Any]]:
    rows = []
    if cover.order_line is not None:
        order = cover.order_line.order
        rows.append({"title": str(order), "url": f"/admin/order/details/{order.id}",
                     "icon": "receipt"})  # fmt: skip
    if cover.booking_id is not None:
        booking = session.get_one(Booking, cover.booking_id)
        rows.append({"title": booking.service.name, "url": f"/admin/booking/details/{booking.id}",
                     "sub": day(booking.starts_at), "icon": "calendar-event"})  # fmt: skip
    same = Cover.vendor_id == cover.vendor_id
    near = select(Cover).where(
        same, or_(Cover.id == cover.replaces_id, Cover.replaces_id == cover.id)
    )
    for other in session.scalars(near.order_by(Cover.id)):
        said = "the cover before it" if other.id == cover.replaces_id else "given instead"
        rows.append({"title": str(other), "url": f"/admin/cover/details/{other.id}", "sub": said,
                     "icon": "shield-check"})  # fmt: skip
    return rows


_OF_CUSTOMER = (
    select(Cover.id, Cover.name, Cover.kind, Cover.status, Cover.ends_on, Cover.serial)
    .join(Vendor, Vendor.id == Cover.vendor_id)
    .where(
        Cover.vendor_id == bindparam("vendor_id"),
        Cover.customer_id == bindparam("customer_id"),
        Cover.status.in_([status.value for status in covers.RUNNING]),
        or_(
            Cover.status == CoverStatus.SUSPENDED.value,
            Cover.ends_on >= cast(func.timezone(Vendor.time_zone, bindparam("now")), Date),
        ),
    )
    .order_by(Cover.ends_on, Cover.id)
    .limit(MOST + 1)
)
"""Built once: every customer's page asks it."""


def of_customer(session: Session, customer: Customer) -> dict[str, Any] | None:
    """The card of what is covered now, what ends first at the top; None where nothing is."""
    if not may("list", "cover"):
        return None
    asked = {"vendor_id": customer.vendor_id, "customer_id": customer.id, "now": clock.now()}
    found = session.connection().execute(_OF_CUSTOMER, asked).all()
    if not found:
        return None
    return {
        "title": "Covers",
        "count_text": f"{MOST}+" if len(found) > MOST else str(len(found)),
        "all_url": f"/admin/cover/list?customer={customer.id}",
        "rows": [_row(cover) for cover in found[:MOST]],
    }


def _row(cover: Any) -> dict[str, Any]:
    rests = cover.status == CoverStatus.SUSPENDED
    said = "in repair" if rests else f"until {day(cover.ends_on)}"
    serial = f" · {cover.serial}" if cover.serial else ""
    return {
        "title": cover.name, "url": f"/admin/cover/details/{cover.id}",
        "sub": f"{cover.kind.capitalize()} {said}{serial}", "icon": "shield-check",
        "status": cover.status if rests else None, "status_kind": "cover",
    }  # fmt: skip


VIEWS = [CoverView]
