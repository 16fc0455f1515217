"""The look-ups that forms and filters share."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from admin_views.loaders import Customers, Records, Words, contains, record_id
from admin_views.places import countries, zones
from admin_views.rendering import minutes, moment, money, word
from app import clock
from app.operations.lines import GONE
from models.bookings import Booking
from models.categories import Category, CategoryKind
from models.class_sessions import ClassSession, SessionStatus
from models.memberships import MembershipPlan
from models.orders import LineKind, OrderLine
from models.packages import Package
from models.products import Product, Variant
from models.resources import Resource
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.taxes import TaxClass

CUSTOMERS = Customers()
COUNTRIES = Words(countries)
ZONES = Words(zones)


def _length_and_price(service: Service) -> str:
    if service.kind == ServiceKind.STAY:
        return f"{money(service.price)} a night"
    return f"{minutes(service.duration_minutes)} · {money(service.price)}"


SERVICES = Records(
    Service,
    (Service.name,),
    hint=_length_and_price,
    live=(Service.is_active,),
    more=lambda s: {"kind": s.kind},
)
ALL_SERVICES = Records(Service, (Service.name,))
CLASSES = Records(
    Service,
    (Service.name,),
    hint=lambda s: f"{minutes(s.duration_minutes)} · {s.capacity} places",
    live=(Service.is_active, Service.kind == ServiceKind.CLASS),
)
STAFF = Records(
    StaffMember,
    (StaffMember.name,),
    hint=lambda s: s.title or "",
    live=(StaffMember.is_active,),
)
ALL_STAFF = Records(StaffMember, (StaffMember.name,))
RESOURCES = Records(
    Resource,
    (Resource.name,),
    hint=lambda r: f"{r.capacity} of them" if r.capacity > 1 else word(r.kind),
    live=(Resource.is_active,),
)
PACKAGES = Records(
    Package,
    (Package.name,),
    hint=lambda p: f"{p.uses} uses · {money(p.price)}",
    live=(Package.is_active,),
)
ALL_PACKAGES = Records(Package, (Package.name,))
PLANS = Records(
    MembershipPlan,
    (MembershipPlan.name,),
    hint=lambda p: f"{money(p.price)} a {p.period}",
    live=(MembershipPlan.is_active,),
)
ALL_PLANS = Records(MembershipPlan, (MembershipPlan.name,))
ALL_PRODUCTS = Records(Product, (Product.name,))
PRODUCTS = Records(Product, (Product.name,), live=(Product.status != "archived",))


def _sku_and_stock(variant: Variant) -> str:
    return f"{variant.sku} · {variant.available:,} left" if variant.tracks_stock else variant.sku


VARIANTS = Records(
    Variant,
    (Product.name, Variant.option, Variant.sku, Variant.barcode),
    hint=_sku_and_stock,
    live=(Variant.is_active, Product.status == "active"),
    loads=(joinedload(Variant.product),),
    joins=(Variant.product,),
)

TAX_CLASSES = Records(TaxClass, (TaxClass.name,))


def _above(category: Category) -> str:
    return category.parent.name if category.parent else word(category.kind)


CATEGORIES = Records(Category, (Category.name,), hint=_above, loads=(joinedload(Category.parent),))


def categories_of(kind: CategoryKind) -> Records:
    """The categories of one kind."""
    return Records(
        Category,
        (Category.name,),
        hint=_above,
        live=(Category.kind == kind,),
        loads=(joinedload(Category.parent),),
    )


class ClassesToCome(Records):
    """Single classes that are still to come, the soonest first, by the name of their service."""

    def __init__(self) -> None:
        super().__init__(
            ClassSession,
            (Service.name,),
            hint=lambda c: f"{c.taken} of {c.seats} places taken",
            live=(ClassSession.status == SessionStatus.SCHEDULED,),
            loads=(joinedload(ClassSession.service),),
            joins=(ClassSession.service,),
        )

    def statement(self) -> Select[Any]:
        """See `Records`."""
        to_come = super().statement().where(ClassSession.starts_at > clock.now())
        return to_come.order_by(None).order_by(ClassSession.starts_at, ClassSession.id)

    def text(self, found: Any) -> str:
        """Yoga, 24 Nov, 18:00."""
        return f"{found.service.name}, {moment(found.starts_at)}"


CLASSES_TO_COME = ClassesToCome()


class Items:
    """Whatever can stand on an order's line; its id is the kind and the number: `product:12`."""

    PARTS: tuple[tuple[LineKind, Records], ...] = (
        (LineKind.PRODUCT, VARIANTS),
        (LineKind.SERVICE, SERVICES),
        (LineKind.PACKAGE, PACKAGES),
        (LineKind.MEMBERSHIP, PLANS),
    )
    BARE = (LineKind.FEE, LineKind.SHIPPING, LineKind.TIP)

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """The first few of each kind, then fees, shipping and tips."""
        found = [
            {**line, "id": f"{kind}:{line['id']}", "kind": kind.value}
            for kind, part in self.PARTS
            for line in priced(session, part, term)
        ]
        bare = [k for k in self.BARE if k.startswith(term.lower())]
        return [*found, *({"id": f"{k}:", "text": word(k), "hint": "own price"} for k in bare)][:12]

    def find(self, session: Session, value: str) -> tuple[LineKind, Any] | None:
        """`(kind, record)` behind a posted value; what has a price of its own has no record."""
        kind, _, number = value.partition(":")
        if kind in self.BARE and not number:
            return LineKind(kind), None
        part = next((p for k, p in self.PARTS if k == kind), None)
        found = part.find(session, number) if part else None
        return (LineKind(kind), found) if found is not None else None

    def text(self, found: tuple[LineKind, Any]) -> str:
        """What the picker shows."""
        kind, record = found
        return word(kind) if record is None else str(record)


def priced(session: Session, part: Records, term: str) -> list[dict[str, Any]]:
    """The choices of one kind with their prices, as one would type them."""
    lines = part.search(session, term)[:5]
    records = [part.find(session, line["id"]) for line in lines]
    return [{**c, "price": f"{r.price:.2f}"} for c, r in zip(lines, records, strict=True) if r]


ITEMS = Items()


def when_and_whom(booking: Booking) -> str:
    """Tue 24 Nov, 10:00 · with Daan."""
    whom = f"with {booking.staff_member.name}" if booking.staff_member else ""
    return " · ".join(part for part in (moment(booking.starts_at), whom) if part)


class BookedItems(Items):
    """Items, and before them the bookings of the order's customer that nobody sold yet.

    A booking's id is `booking:12`.
    """

    def search_of(self, session: Session, term: str, customer: str) -> list[dict[str, Any]]:
        """Theirs first, the latest of them on top."""
        number = record_id(customer)
        mine = self._bookings(session, term, number) if number is not None else []
        return [*mine, *self.search(session, term)][:12]

    def _bookings(self, session: Session, term: str, customer_id: int) -> list[dict[str, Any]]:
        sold = select(OrderLine.id).where(
            OrderLine.vendor_id == Booking.vendor_id, OrderLine.booking_id == Booking.id
        )
        rows = (
            select(Booking)
            .join(Booking.service)
            .options(contains_eager(Booking.service), joinedload(Booking.staff_member))
            .where(Booking.customer_id == customer_id, Booking.status.not_in(GONE), ~sold.exists())
            .order_by(Booking.starts_at.desc(), Booking.id.desc())
            .limit(5)
        )
        if term:
            rows = rows.where(contains((Service.name,), term))
        return [
            {
                "id": f"booking:{b.id}", "text": b.service.name, "hint": when_and_whom(b),
                "price": f"{b.price:.2f}", "kind": LineKind.SERVICE.value,
            }
            for b in session.scalars(rows)
        ]  # fmt: skip

    def find(self, session: Session, value: str) -> tuple[LineKind, Any] | None:
        """See `Items`; a booking is found by its own id."""
        kind, _, number = value.partition(":")
        if kind != "booking":
            return super().find(session, value)
        booking_id = record_id(number)
        found = None if booking_id is None else session.get(Booking, booking_id)
        return None if found is None else (LineKind.SERVICE, found)


BOOKED_ITEMS = BookedItems()
