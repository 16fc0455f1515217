"""Packages in customers' hands on screen: where their uses are, and the ledger behind it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.category_filters import InCategory
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, VendorDays, of_vendor
from admin_views.forms import Choice, Pick
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import ALL_PACKAGES, CUSTOMERS, PACKAGES
from admin_views.rendering import moment, money, plural
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import package_refunds, package_uses, packages
from app.operations.conditions import branch
from app.operations.zones import zone_of
from models.bookings import Booking
from models.categories import CategoryKind
from models.orders import Order
from models.packages import EntryKind, HoldingStatus, Package, PackageEntry, PackageHolding
from models.users import User
from models.words import Channel

MOST = 60
SAID = {
    EntryKind.GRANT: ("Granted", "plus", "+"),
    EntryKind.HOLD: ("Held", "lock", "−"),
    EntryKind.USE: ("Used", "check", "−"),
    EntryKind.RELEASE: ("Free again", "lock-open", "+"),
    EntryKind.FORFEIT: ("Forfeited", "calendar-x", "−"),
    EntryKind.EXPIRE: ("Run out", "hourglass-empty", "−"),
    EntryKind.REFUND: ("Taken back", "arrow-back-up", "−"),
    EntryKind.RESTORE: ("Given back", "gift", "+"),
}


class NotADay(DomainError):
    sentence = "This is no day: write it as 2026-12-31."
    field = "until"


def _is_active(holding: PackageHolding) -> bool:
    return holding.status == HoldingStatus.ACTIVE


def _has_left(holding: PackageHolding) -> bool:
    return _is_active(holding) and holding.uses_left > 0


def _use(session: Session, number: int) -> None:
    package_uses.use_one(session, holding_id=number)


def _restore(session: Session, number: int) -> None:
    package_uses.restore_last(session, holding_id=number)


def _extend(session: Session, number: int, *, until: str = "") -> None:
    try:
        last = date.fromisoformat(until.strip())
    except ValueError:
        raise NotADay from None
    zone = ZoneInfo(zone_of(session, session.get_one(PackageHolding, number).vendor_id))
    ends = datetime.combine(last + timedelta(days=1), time.min, zone)
    packages.extend(session, holding_id=number, until=ends)


def _refund(session: Session, number: int, *, reason: str = "") -> None:
    package_refunds.refund(session, holding_id=number, reason=reason)


def _cancel(session: Session, number: int) -> None:
    packages.cancel(session, holding_id=number)


def _ask_refund(holding: PackageHolding) -> tuple[str, str]:
    share = (holding.paid or 0) * holding.uses_left / max(holding.uses, 1)
    return (
        f"Give {money(share)} back and take the package?",
        f"{plural(holding.uses_left, 'use')} of {holding.uses} unused, at what each had cost.",
    )


@dataclass(frozen=True)
class OnDays(VendorDays):
    """Packages of which such an entry tells on these days, on the clocks of their vendor."""

    of: EntryKind = EntryKind.USE

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """See `VendorDays`."""
        entries = select(PackageEntry.id).where(
            PackageEntry.vendor_id == PackageHolding.vendor_id,
            PackageEntry.holding_id == PackageHolding.id,
            PackageEntry.kind == self.of,
        )
        return statement.where(super().where(session, entries, values, zone).exists())


@dataclass(frozen=True)
class OfPackages(InCategory):
    """Categories of packages, with everything below them."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """The packages of the branch."""
        wanted = select(Package.id).where(Package.category_id.in_(branch(session, values)))
        return statement.where(self.column.in_(wanted))


def on_days(name: str, title: str, kind: EntryKind) -> OnDays:
    """A filter by the days of entries of a kind."""
    at, vendor = PackageEntry.at, PackageEntry.vendor_id
    return OnDays(name, title, at, open=False, vendor=vendor, of=kind)


class HoldingView(HouseView, model=PackageHolding):
    """Packages in customers' hands."""

    name, name_plural, icon = "Package held", "Packages held", "ti ti-ticket"
    category, status_kind = "Sales", "holding"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda h: h.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("package", "Package", value=lambda h: h.package.name),
        Col("status", "Status", "pill", pill_kind="holding", css="c-status"),
        Col("uses_left", "Left", numeric=True, value=lambda h: f"{h.uses_left} of {h.uses}"),
        Col("uses_held", "Held", "number", numeric=True, optional=True),
        Col("bought_at", "Since", "day", sort="newest"),
        Col("expires_at", "Until", "day", value=lambda h: h.expires_at),
    )
    sorts = declared(newest=Sort(PackageHolding.id, descending=True))
    search_hint = "Search customer"
    filters = (
        OneOf("status", "Status", PackageHolding.status, icon="circle-dot", words=HoldingStatus),
        of_vendor(PackageHolding.vendor_id),
        Related("package", "Package", PackageHolding.package_id, lookup=ALL_PACKAGES),
        OfPackages(
            "category",
            "Category",
            PackageHolding.package_id,
            icon="sitemap",
            open=False,
            of=CategoryKind.PACKAGE,
        ),
        Related("customer", "Customer", PackageHolding.customer_id, lookup=CUSTOMERS, open=False),
        OneOf(
            "channel", "Channel", PackageHolding.channel, icon="route", words=Channel, open=False
        ),
        on_days("sold", "Sold", EntryKind.GRANT),
        on_days("used", "Used", EntryKind.USE),
        on_days("forfeited", "Forfeited", EntryKind.FORFEIT),
        on_days("expired", "Run out", EntryKind.EXPIRE),
    )
    empty = declared(
        icon="ticket",
        title="Nobody has a package yet",
        text="Sell one at the counter, or hand one out here; its uses pay for bookings and sales.",
    )
    loads = (joinedload(PackageHolding.customer), joinedload(PackageHolding.package))
    details = (
        (
            "Package",
            (
                Col("customer", "Customer", value=lambda h: link_to("customer", h.customer)),
                Col("package", "Package", value=lambda h: link_to("package", h.package)),
                Col("bought_at", "Since", "moment"),
                Col("expires_at", "Until", "moment"),
                Col("paid", "Paid", "money"),
                Col("channel", "Channel", "word"),
            ),
        ),
        (
            "Uses",
            (
                Col("uses", "Granted", "number"),
                Col("uses_left", "Left", "number"),
                Col("uses_held", "Held for bookings", "number"),
                Col("uses_used", "Used", "number"),
                Col("uses_forfeited", "Forfeited", value=lambda h: h.uses_forfeited or None),
                Col("uses_expired", "Run out", value=lambda h: h.uses_expired or None),
                Col("uses_refunded", "Taken back", value=lambda h: h.uses_refunded or None),
            ),
        ),
    )
    hides_empty = ("paid", "uses_forfeited", "uses_expired", "uses_refunded")
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        package=Pick("Package", PACKAGES, wanted=True),
        channel=Choice("Channel", Channel, wanted=True, default=Channel.WALK_IN),
    )
    creates_with = staticmethod(packages.hand_out)
    commands = (
        Command(
            "use", "Use one", _use, _has_left, "One use is ticked off.", icon="check", action="use",
            primary=True,
            ask=("Tick one use off?", "For a visit that was neither booked nor sold here."),
        ),
        Command(
            "restore", "Give a use back", _restore,
            lambda h: h.uses_used + h.uses_forfeited > 0 and h.status != HoldingStatus.CANCELLED,
            "The last use is given back.", icon="gift", action="use",
            ask=("Give the last use back?", "The newest that was used or forfeited is free again."),
        ),
        Command(
            "extend", "Extend", _extend, lambda h: h.status != HoldingStatus.CANCELLED,
            "It is valid for longer.", icon="calendar-plus", action="use",
            ask=("Until when is it valid?", "What had run out can be used again."),
            inputs=(("until", "Last day", "date"),),
        ),
        Command(
            "refund", "Refund", _refund, lambda h: _is_active(h) and bool(h.paid and h.order_id),
            "The money is given back.", icon="cash", danger=True, action="refund", ask=_ask_refund,
            inputs=(("reason", "Why"),),
        ),
        Command(
            "cancel", "Take back", _cancel, _is_active, "The package is taken back.",
            icon="circle-x", danger=True, action="use",
            ask=("Take this package back?",
                 "No money is given back; what was bought stays in the customer's history."),
        ),
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Ten cuts of Ana Alves."""
        return f"{record.package.name} of {record.customer.name}"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        return rows.where(PackageHolding.customer_id.in_(customer_ids(session, term)))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The vendor is the customer's."""
        return {n: f for n, f in super().form_fields(record).items() if n != "vendor"}

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Its ledger, the newest entries first, and the order that sold it."""
        related = [{"title": "Ledger", "rows": ledger(session, record)}]
        order = None if record.order_id is None else session.get(Order, record.order_id)
        if order is not None:
            row = {"title": str(order), "url": f"/admin/order/details/{order.id}",
                   "icon": "receipt"}  # fmt: skip
            related.append({"title": "Sold by", "rows": [row]})
        return {"related": related}


def ledger(session: Session, holding: PackageHolding) -> list[dict[str, Any]]:
    """What happened to its uses, who did it, and for what."""
    query = (
        select(PackageEntry, User.name)
        .outerjoin(User, User.id == PackageEntry.user_id)
        .where(
            PackageEntry.vendor_id == holding.vendor_id, PackageEntry.holding_id == holding.id
        )
        .options(joinedload(PackageEntry.service), joinedload(PackageEntry.booking))
        .order_by(PackageEntry.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [_entry(entry, who) for entry, who in session.execute(query)]


def _entry(entry: PackageEntry, who: str | None) -> dict[str, Any]:
    title, icon, sign = SAID[EntryKind(entry.kind)]
    was_held = entry.of_id is not None and entry.kind in (EntryKind.USE, EntryKind.FORFEIT)
    service = entry.service.name if entry.service else None
    parts = [moment(entry.at), service, who]
    return {
        "title": title, "icon": icon, "sub": " · ".join(part for part in parts if part),
        "amount": "" if was_held else f"{sign}{entry.uses}",
        "url": _url(entry.booking),
    }  # fmt: skip


def _url(booking: Booking | None) -> str | None:
    return None if booking is None else f"/admin/booking/details/{booking.id}"


VIEWS = [HoldingView]
