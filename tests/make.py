"""One typed function a noun: a row with sensible, unique values, flushed and ready.

Each takes the session that is open, overrides by keyword, and makes what it needs around it
(a booking makes its customer and service). Rows belong to the vendor acting, or to the vendor
of the rows they are given, or to `vendor_id=`. These are plain rows: statuses may be set
freely, and no statistics move; a test about those calls the operations.
"""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app.database import begin
from app.tenancy import SYSTEM, acting
from models.base import Base
from models.booking_series import BookingSeries
from models.bookings import Booking
from models.bulk import BulkJob, BulkRow
from models.campaigns import Campaign, CampaignRow, CampaignRun
from models.categories import Category
from models.class_sessions import ClassSession
from models.coupons import CodeBatch, Coupon, CouponCode, CouponRedemption, CouponTarget
from models.covers import Cover, WarrantyClaim
from models.custom_reports import CustomReport
from models.customers import Address, Consent, Customer, CustomerPreference, Person
from models.feeds import CalendarFeed
from models.figures import StaleDay
from models.history import (
    ImportMade,
    StagedBuyer,
    StagedItem,
    StagedOrder,
    StagedRefund,
    StagedSale,
)
from models.imports import ImportJob, ImportRow, StagedRow
from models.interests import CustomerInterest
from models.invoices import Invoice
from models.loyalty import LoyaltyProgram, LoyaltyRule, LoyaltyTier, Reward
from models.memberships import (
    BenefitKind,
    IncludedUse,
    Membership,
    MembershipPeriod,
    MembershipPlan,
    PlanBenefit,
)
from models.message_rules import MessageRule
from models.messages import Message, MessageTemplate, TemplateVersion
from models.orders import Order, OrderLine
from models.outbox import OutboxMessage
from models.packages import EntryKind, Package, PackageEntry, PackageHolding, PackageService
from models.pairs import ItemPair
from models.payments import CreditEntry, GatewayEvent, Payment, Refund, RefundLine
from models.points import (
    LoyaltyAccount,
    LoyaltyEntry,
    LoyaltyLot,
    RewardRedemption,
    TierChange,
)
from models.policies import CancellationPolicy
from models.products import Product, ProductPicture, Variant
from models.provider_events import ProviderEvent
from models.report_runs import ReportRun
from models.resources import Resource, ResourceClaim, ServiceResource
from models.returns import ProductReturn, ReturnLine
from models.schedules import TimeOff, WorkingHours
from models.scores import (
    CohortFigure,
    CustomerMonth,
    CustomerScore,
    ReachFigure,
    ScoreFigure,
    ScoreModel,
    SegmentMove,
)
from models.segments import Segment, SegmentDay, SegmentMembership
from models.services import Service, StaffService
from models.shipments import Shipment, ShipmentLine
from models.shipping import ShippingMethod
from models.staff import StaffMember
from models.stock import Consumable, StockMove
from models.suppressions import Suppression
from models.tags import CustomerTag, Tag
from models.tasks import Task
from models.taxes import TaxClass, TaxRate
from models.usages import Usage
from models.users import ApiToken, User, VendorUser
from models.vendors import Vendor
from models.views import SavedView
from models.waitlist import WaitlistEntry

T = TypeVar("T", bound=Base)

_numbers = itertools.count(1)
_slots = itertools.count(1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def number() -> int:
    """A number no other row of this test process has."""
    return next(_numbers)


def _saved(session: Session, row: T) -> T:
    session.add(row)
    session.flush()  # the id, and what the database says about the row
    return row


def _of(fields: dict[str, Any], *rows: Any) -> dict[str, Any]:
    """`fields`, with the vendor of the first of `rows` that has one."""
    for row in rows:
        if "vendor_id" not in fields and row is not None:
            fields["vendor_id"] = row.vendor_id
    return fields


def _home(fields: dict[str, Any]) -> dict[str, Any]:
    return {"vendor_id": fields["vendor_id"]} if "vendor_id" in fields else {}


# --- the marketplace ----------------------------------------------------------------------


def vendor(session: Session, **fields: Any) -> Vendor:
    n = number()
    values = {
        "slug": f"vendor-{n}",
        "name": f"Vendor {n}",
        "kind": "salon",
        "country": "PT",
        "time_zone": "Europe/Lisbon",
        "city": "Lisboa",
    }
    return _saved(session, Vendor(**values | fields))


def new_vendor(**fields: Any) -> int:
    """The id of a new vendor, made by the marketplace in a transaction of its own."""
    with acting(SYSTEM), begin() as session:
        return vendor(session, **fields).id


def user(session: Session, **fields: Any) -> User:
    n = number()
    return _saved(session, User(**{"email": f"user{n}@example.com", "name": f"User {n}"} | fields))


def vendor_user(session: Session, *, user: User, role: str = "staff", **fields: Any) -> VendorUser:
    return _saved(session, VendorUser(user_id=user.id, role=role, **fields))


def api_token(session: Session, **fields: Any) -> ApiToken:
    n = number()
    values = {"user_id": 1, "name": f"Till {n}", "prefix": "br_till", "token_hash": f"{n:064x}"}
    return _saved(session, ApiToken(**values | fields))


def person(session: Session, **fields: Any) -> Person:
    n = number()
    values = {"full_name": f"Person {n}", "email": f"person{n}@example.com"}
    return _saved(session, Person(**values | fields))


def category(session: Session, **fields: Any) -> Category:
    return _saved(session, Category(**{"kind": "service", "name": f"Category {number()}"} | fields))


# --- customers ----------------------------------------------------------------------------


def customer(session: Session, **fields: Any) -> Customer:
    return _saved(session, Customer(**{"full_name": f"Customer {number()}"} | fields))


def address(session: Session, *, customer: Customer | None = None, **fields: Any) -> Address:
    customer = customer or _customer(session, fields)
    values = {
        "line1": "Rua Garrett 1",
        "postal_code": "1200-203",
        "city": "Lisboa",
        "country": "PT",
    }
    return _saved(session, Address(customer_id=customer.id, **values | _of(fields, customer)))


def consent(session: Session, *, customer: Customer | None = None, **fields: Any) -> Consent:
    customer = customer or _customer(session, fields)
    values = {"channel": "email", "purpose": "marketing", "granted": True, "source": "counter"}
    return _saved(session, Consent(customer_id=customer.id, **values | _of(fields, customer)))


def preference(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerPreference:
    customer = customer or _customer(session, fields)
    values = {"channel": "email"} | _of(fields, customer)
    return _saved(session, CustomerPreference(customer_id=customer.id, **values))


def tag(session: Session, **fields: Any) -> Tag:
    return _saved(session, Tag(**{"name": f"tag {number()}"} | fields))


def customer_tag(session: Session, *, customer: Customer, tag: Tag, **fields: Any) -> CustomerTag:
    row = CustomerTag(customer_id=customer.id, tag_id=tag.id, **_of(fields, customer))
    return _saved(session, row)


def interest(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerInterest:
    customer = customer or _customer(session, fields)
    values = {
        "kind": "appointment",
        "item_id": number(),
        "times": 1,
        "spent": Decimal("10.00"),
        "last_at": NOON,
    } | _of(fields, customer)
    return _saved(session, CustomerInterest(customer_id=customer.id, **values))


def task(session: Session, *, customer: Customer | None = None, **fields: Any) -> Task:
    customer = customer or _customer(session, fields)
    values = {"title": f"Task {number()}", "due_at": NOON} | _of(fields, customer)
    return _saved(session, Task(customer_id=customer.id, **values))


def usage(session: Session, *, customer: Customer | None = None, **fields: Any) -> Usage:
    customer = customer or _customer(session, fields)
    values = {
        "kind": "product", "item_id": number(), "times": 4, "first_on": date(2026, 8, 20),
        "last_on": date(2026, 11, 18), "interval_days": 30, "source": "personal",
        "next_on": date(2026, 12, 18),
    } | _of(fields, customer)  # fmt: skip
    return _saved(session, Usage(customer_id=customer.id, **values))


def figures(session: Session, model: type[T], *, vendor_id: int, **fields: Any) -> T:
    """A row of figures of 20 November 2026; sums that are not named are nothing."""
    columns = model.__table__.c.keys()
    values: dict[str, Any] = dict.fromkeys(columns, 0) | {
        "vendor_id": vendor_id, "grain": "day", "starts_on": date(2026, 11, 20),
        "kind": "appointment" if "service_id" in columns else "product", "channel": "walk_in",
        "weekday": 5, "sort": "kind", "span": 1, "vendors": 1, "way": "email",
        "purpose": "marketing", "event": "",
    }  # fmt: skip
    return _saved(session, model(**{name: values[name] for name in columns} | fields))


def stale_day(session: Session, **fields: Any) -> StaleDay:
    return _saved(session, StaleDay(**{"day": date(2026, 11, 20)} | fields))


def item_pair(session: Session, **fields: Any) -> ItemPair:
    values = {
        "kind": "appointment", "item_id": number(), "next_kind": "product", "next_id": number(),
        "customers": 50, "together": 20, "share": Decimal("0.4"), "usual": Decimal("0.1"),
        "lift": Decimal(4), "as_of": NOON,
    }  # fmt: skip
    return _saved(session, ItemPair(**values | fields))


def customer_month(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerMonth:
    customer = customer or _customer(session, fields)
    values = {"month": date(2026, 11, 1), "visits": 1, "days": 1} | _of(fields, customer)
    return _saved(session, CustomerMonth(customer_id=customer.id, **values))


def score(session: Session, *, customer: Customer | None = None, **fields: Any) -> CustomerScore:
    """A customer's purchases; figures that follow from them are those of two days."""
    customer = customer or _customer(session, fields)
    days = fields.get("bought_on", [date(2026, 8, 20), date(2026, 11, 18)])
    money = fields.get("bought_for", [Decimal("40.00")] * len(days))
    values = {
        "bought_on": days, "bought_for": money, "days": len(days), "visits": len(days),
        "orders": 0, "first_on": days[0], "last_on": days[-1],
        "second_on": days[1] if len(days) > 1 else None, "revenue": sum(money),
        "repeat_value": sum(money[1:]) / (len(days) - 1) if len(days) > 1 else None,
        "first_channel": "walk_in",
    } | _of(fields, customer)  # fmt: skip
    return _saved(session, CustomerScore(customer_id=customer.id, **values))


def cohort_figure(session: Session, **fields: Any) -> CohortFigure:
    month = date(2026, 11, 1)
    values = {
        "grain": "month", "cohort": month, "age": 0, "starts_on": month, "channel": "walk_in",
        "category_id": number(), "customers": 1, "revenue": Decimal("40.00"),
    } | fields  # fmt: skip
    return _saved(session, CohortFigure(**values))


def score_figure(session: Session, **fields: Any) -> ScoreFigure:
    values = {
        "month": date(2026, 11, 1), "as_of": date(2026, 11, 20), "segment": "loyal",
        "channel": "walk_in", "category_id": number(), "customers": 1, "days": 2,
        "recency_days": 2, "revenue": Decimal("80.00"),
    } | fields  # fmt: skip
    return _saved(session, ScoreFigure(**values))


def segment_move(session: Session, **fields: Any) -> SegmentMove:
    values = {
        "month": date(2026, 11, 1), "was": "new", "became": "loyal", "channel": "walk_in",
        "category_id": number(), "customers": 1,
    } | fields  # fmt: skip
    return _saved(session, SegmentMove(**values))


def reach_figure(session: Session, **fields: Any) -> ReachFigure:
    values = {
        "starts_on": date(2026, 11, 1), "ends_on": date(2026, 11, 20),
        "as_of": date(2026, 11, 20), "channel": "walk_in", "category_id": number(), "customers": 1,
    } | fields  # fmt: skip
    return _saved(session, ReachFigure(**values))


def score_model(session: Session, **fields: Any) -> ScoreModel:
    return _saved(session, ScoreModel(**{"as_of": date(2026, 11, 20), "customers": 1} | fields))


def message_rule(session: Session, **fields: Any) -> MessageRule:
    values = {"name": f"Rule {number()}", "event": "booking_reminder", "minutes": 120}
    return _saved(session, MessageRule(**values | fields))


def _customer(session: Session, fields: dict[str, Any]) -> Customer:
    return customer(session, **_home(fields))


# --- what is sold -------------------------------------------------------------------------


def service(session: Session, **fields: Any) -> Service:
    values = {"name": f"Service {number()}", "price": Decimal("40.00"), "duration_minutes": 60}
    return _saved(session, Service(**values | fields))


def staff_member(session: Session, **fields: Any) -> StaffMember:
    return _saved(session, StaffMember(**{"name": f"Staff {number()}"} | fields))


def product(session: Session, *, variants: int = 1, **fields: Any) -> Product:
    """A product with `variants` variants of 10.00 each."""
    row = _saved(session, Product(**{"name": f"Product {number()}"} | fields))
    for _ in range(variants):
        variant(session, product=row)
    session.refresh(row, ["variants"])
    return row


_product = product


def variant(session: Session, *, product: Product | None = None, **fields: Any) -> Variant:
    product = product or _product(session, variants=0, **_home(fields))
    values = {"sku": f"SKU-{number()}", "price": Decimal("10.00")} | _of(fields, product)
    return _saved(session, Variant(product_id=product.id, **values))


def package(session: Session, **fields: Any) -> Package:
    values = {"name": f"Package {number()}", "uses": 10, "price": Decimal("90.00")}
    return _saved(session, Package(**values | fields))


def plan(session: Session, **fields: Any) -> MembershipPlan:
    values = {"name": f"Plan {number()}", "price": Decimal("19.00")}
    return _saved(session, MembershipPlan(**values | fields))


def coupon(session: Session, *, code: str | None = "", **fields: Any) -> Coupon:
    """Ten percent off anything, under a code; under none with `code=None`, so by itself."""
    n = number()
    values = {"name": f"Coupon {n}", "value": Decimal("10.00"), "needs_code": code is not None}
    made = _saved(session, Coupon(**values | fields))
    if code is not None:
        coupon_code(session, coupon=made, code=code or f"CODE{n}")
    return made


def coupon_code(session: Session, *, coupon: Coupon, **fields: Any) -> CouponCode:
    values = {"code": f"CODE{number()}", "coupon_id": coupon.id}
    return _saved(session, CouponCode(**values | _of(fields, coupon)))


def coupon_target(session: Session, *, coupon: Coupon, **fields: Any) -> CouponTarget:
    """What a coupon is about: `service_id=`, `variant_id=`, `product_id=` or `category_id=`."""
    return _saved(session, CouponTarget(coupon_id=coupon.id, **_of(fields, coupon)))


def code_batch(session: Session, *, coupon: Coupon, **fields: Any) -> CodeBatch:
    return _saved(
        session, CodeBatch(**{"coupon_id": coupon.id, "wanted": 10} | _of(fields, coupon))
    )


def coupon_redemption(session: Session, *, coupon: Coupon, order: Order, **fields: Any) -> Any:
    values = {"coupon_id": coupon.id, "order_id": order.id, "amount": Decimal("1.00"),
              "status": "redeemed", "redeemed_at": NOON}  # fmt: skip
    return _saved(session, CouponRedemption(**values | _of(fields, order)))


def staff_service(
    session: Session, *, service: Service, staff: StaffMember, **fields: Any
) -> StaffService:
    row = StaffService(service_id=service.id, staff_id=staff.id, **_of(fields, service))
    return _saved(session, row)


def resource(session: Session, **fields: Any) -> Resource:
    return _saved(session, Resource(**{"name": f"Room {number()}"} | fields))


def service_resource(
    session: Session, *, service: Service, resource: Resource, **fields: Any
) -> ServiceResource:
    row = ServiceResource(service_id=service.id, resource_id=resource.id, **_of(fields, service))
    return _saved(session, row)


def working_hours(session: Session, *, staff: StaffMember | None = None, **fields: Any) -> Any:
    """Nine to five on a Monday, unless said; without `staff` or `service_id` the vendor's."""
    values = {"weekday": 1, "starts": time(9), "ends": time(17)} | _of(fields, staff)
    return _saved(session, WorkingHours(**{"staff_id": staff and staff.id} | values))


def time_off(session: Session, *, staff: StaffMember | None = None, **fields: Any) -> TimeOff:
    values = {"starts_at": NOON, "ends_at": NOON + timedelta(hours=4)} | _of(fields, staff)
    return _saved(session, TimeOff(**{"staff_id": staff and staff.id} | values))


def policy(session: Session, **fields: Any) -> CancellationPolicy:
    """Free until a day before, half the price until two hours before, then all of it."""
    values = {
        "free_hours": 24,
        "late_hours": 2,
        "late_percent": Decimal(50),
        "last_percent": Decimal(100),
        "no_show_percent": Decimal(100),
    }
    return _saved(session, CancellationPolicy(**values | fields))


_service, _variant, _package, _plan = service, variant, package, plan  # arguments take the names


# --- what was sold ------------------------------------------------------------------------


def holding(
    session: Session,
    *,
    customer: Customer | None = None,
    package: Package | None = None,
    **fields: Any,
) -> PackageHolding:
    home = _home(_of(dict(fields), customer, package))
    customer = customer or _customer(session, home)
    package = package or _package(session, **home)
    values = _of(fields, customer)
    uses = values.pop("uses", package.uses)
    left = values.pop("uses_left", uses)
    row = _saved(session, PackageHolding(customer_id=customer.id, package_id=package.id, **values))
    package_entry(session, holding=row, uses=uses)
    if uses > left:
        package_entry(session, holding=row, kind=EntryKind.USE, uses=uses - left)
    session.refresh(row)
    return row


def package_entry(session: Session, *, holding: PackageHolding, **fields: Any) -> PackageEntry:
    values = {"kind": EntryKind.GRANT, "uses": 1, "at": NOON} | _of(fields, holding)
    return _saved(session, PackageEntry(holding_id=holding.id, **values))


def package_service(
    session: Session, *, package: Package, service: Service, **fields: Any
) -> PackageService:
    values = _of(fields, package)
    return _saved(session, PackageService(package_id=package.id, service_id=service.id, **values))


def membership(
    session: Session,
    *,
    customer: Customer | None = None,
    plan: MembershipPlan | None = None,
    **fields: Any,
) -> Membership:
    home = _home(_of(dict(fields), customer, plan))
    customer = customer or _customer(session, home)
    plan = plan or _plan(session, **home)
    values = {
        "started_at": NOON,
        "anchor_at": NOON,
        "period_starts_at": NOON,
        "period_ends_at": NOON + timedelta(days=30),
    } | _of(fields, customer)
    row = _saved(session, Membership(customer_id=customer.id, plan_id=plan.id, **values))
    membership_period(session, membership=row)
    return row


def membership_period(
    session: Session, *, membership: Membership, **fields: Any
) -> MembershipPeriod:
    values = {
        "number": 1,
        "starts_at": membership.period_starts_at,
        "ends_at": membership.period_ends_at,
    } | _of(fields, membership)
    return _saved(session, MembershipPeriod(membership_id=membership.id, **values))


def plan_benefit(session: Session, *, plan: MembershipPlan, **fields: Any) -> PlanBenefit:
    """Ten percent off everything, unless said otherwise."""
    kind = fields.get("kind", BenefitKind.DISCOUNT)
    off = {"percent": Decimal(10)} if kind == BenefitKind.DISCOUNT else {}
    return _saved(session, PlanBenefit(plan_id=plan.id, **off | _of(fields, plan)))


def included_use(
    session: Session, *, period: MembershipPeriod, benefit: PlanBenefit, **fields: Any
) -> IncludedUse:
    values = {"at": NOON} | _of(fields, period)
    return _saved(session, IncludedUse(period_id=period.id, benefit_id=benefit.id, **values))


def booking(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    staff: StaffMember | None = None,
    **fields: Any,
) -> Booking:
    """A confirmed booking of an hour; each at another hour, unless `starts_at` says when."""
    home = _home(_of(dict(fields), customer, service, staff))
    customer = customer or _customer(session, home)
    service = service or _service(session, **home)
    starts_at = fields.pop("starts_at", None) or NOON + timedelta(hours=next(_slots))
    ends_at = fields.pop("ends_at", None) or starts_at + timedelta(minutes=60)
    during: Range[datetime] = Range(starts_at, ends_at)
    values = {
        "public_ref": uuid4(),
        "kind": service.kind,
        "status": "confirmed",
        "price": service.price,
        "with_buffer_before": during,
        "with_buffer_after": during,
        "staff_id": staff.id if staff else None,
    } | _of(fields, customer)
    row = Booking(
        customer_id=customer.id,
        service_id=service.id,
        starts_at=starts_at,
        ends_at=ends_at,
        **values,
    )
    return _saved(session, row)


def class_session(
    session: Session,
    *,
    service: Service | None = None,
    staff: StaffMember | None = None,
    **fields: Any,
) -> ClassSession:
    """A class of an hour with six places; each at another hour, unless `starts_at` says when."""
    home = _home(_of(dict(fields), service, staff))
    service = service or _service(session, kind="class", capacity=6, **home)
    starts_at = fields.pop("starts_at", None) or NOON + timedelta(hours=next(_slots))
    ends_at = fields.pop("ends_at", None) or starts_at + timedelta(minutes=60)
    during: Range[datetime] = Range(starts_at, ends_at)
    values = {
        "seats": service.capacity,
        "with_buffer_before": during,
        "with_buffer_after": during,
        "staff_id": staff.id if staff else None,
    } | _of(fields, service)
    row = ClassSession(service_id=service.id, starts_at=starts_at, ends_at=ends_at, **values)
    return _saved(session, row)


def claim(
    session: Session, *, resource: Resource, booking: Booking, **fields: Any
) -> ResourceClaim:
    values = {
        "unit": 1,
        "starts_at": booking.starts_at,
        "with_buffer_before": booking.with_buffer_before,
        "with_buffer_after": booking.with_buffer_after,
    } | _of(fields, booking)
    values = {"booking_id": booking.id} | values
    return _saved(session, ResourceClaim(resource_id=resource.id, **values))


def series(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    **fields: Any,
) -> BookingSeries:
    home = _home(_of(dict(fields), customer, service))
    customer = customer or _customer(session, home)
    service = service or _service(session, **home)
    values = {
        "rhythm": "week",
        "occurrences": 4,
        "starts_on": date(2026, 11, 23),
        "starts": time(10),
    } | _of(fields, customer)
    row = BookingSeries(customer_id=customer.id, service_id=service.id, **values)
    return _saved(session, row)


def waitlist_entry(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    **fields: Any,
) -> WaitlistEntry:
    """Somebody who waits for a service on any of the seven days after the noon of tests."""
    home = _home(_of(dict(fields), customer, service))
    customer = customer or _customer(session, home)
    service = service or _service(session, **home)
    values = {"earliest": NOON, "latest": NOON + timedelta(days=7)} | _of(fields, customer)
    row = WaitlistEntry(customer_id=customer.id, service_id=service.id, **values)
    return _saved(session, row)


def feed(session: Session, *, staff: StaffMember, **fields: Any) -> CalendarFeed:
    values = {"token_hash": f"{number():064x}", "staff_id": staff.id} | _of(fields, staff)
    return _saved(session, CalendarFeed(**values))


def order(
    session: Session,
    *,
    customer: Customer | None = None,
    lines: int = 1,
    variant: Variant | None = None,
    **fields: Any,
) -> Order:
    """A placed order of `lines` lines, one piece of `variant` each; anonymous without customer."""
    home = _home(_of(fields, customer, variant))
    variant = variant or (_variant(session, **home) if lines else None)
    values = {
        "number": number(),
        "public_ref": uuid4(),
        "status": "placed",
        "placed_at": NOON,
        "total": variant.price * lines if variant else Decimal("0.00"),
    } | fields
    row = _saved(session, Order(customer_id=customer.id if customer else None, **values))
    for _ in range(lines):
        _saved(session, _line(row, variant=variant))
    session.refresh(row, ["lines"])
    return row


def order_line(
    session: Session, *, order: Order, variant: Variant | None = None, **fields: Any
) -> OrderLine:
    """One more line of `order`; its total is added to the order's."""
    if variant is None and fields.get("kind", "product") == "product":
        variant = _variant(session, vendor_id=order.vendor_id)
    row = _line(order, variant=variant, **fields)
    order.total += row.total
    return _saved(session, row)


def _line(order: Order, *, variant: Variant | None, **fields: Any) -> OrderLine:
    price = fields.pop("unit_price", variant.price if variant else Decimal("10.00"))
    quantity = fields.pop("quantity", 1)
    discount = fields.pop("discount", Decimal("0.00"))
    values = {
        "vendor_id": order.vendor_id,
        "order_id": order.id,
        "kind": "product",
        "variant_id": variant.id if variant else None,
        "name": "Something",
        "position": number(),
        "total": price * quantity - discount,
    } | fields
    return OrderLine(quantity=quantity, unit_price=price, discount=discount, **values)


# --- sales --------------------------------------------------------------------------------


def tax_class(session: Session, **fields: Any) -> TaxClass:
    return _saved(session, TaxClass(**{"name": f"Class {number()}"} | fields))


def tax_rate(session: Session, *, tax_class: TaxClass, **fields: Any) -> TaxRate:
    """23 % in Portugal since 2020."""
    values = {
        "tax_class_id": tax_class.id, "name": "IVA", "country": "PT", "percent": Decimal(23),
        "starts_on": date(2020, 1, 1),
    } | _of(fields, tax_class)  # fmt: skip
    return _saved(session, TaxRate(**values))


def shipping_method(session: Session, **fields: Any) -> ShippingMethod:
    values = {"name": f"Courier {number()}", "price": Decimal("4.90")}
    return _saved(session, ShippingMethod(**values | fields))


def picture(session: Session, *, product: Product, **fields: Any) -> ProductPicture:
    n = number()
    values = {
        "product_id": product.id, "stored_as": f"{n}.png", "media_type": "image/png",
        "checksum": f"{n:064x}",
    } | _of(fields, product)  # fmt: skip
    return _saved(session, ProductPicture(**values))


def stock_move(session: Session, *, variant: Variant, **fields: Any) -> StockMove:
    """Ten pieces received of a variant, whose stock is counted from now on."""
    variant.tracks_stock = True
    session.flush()  # a move of what has no stock is refused
    values = {"kind": "receipt", "on_hand": 10} | _of(fields, variant)
    row = _saved(session, StockMove(variant_id=variant.id, **values))
    session.refresh(variant, ["on_hand", "reserved"])
    return row


def consumable(session: Session, *, service: Service, variant: Variant, **fields: Any) -> Any:
    values = {"service_id": service.id, "variant_id": variant.id} | _of(fields, service)
    return _saved(session, Consumable(**values))


def payment(session: Session, *, order: Order, **fields: Any) -> Payment:
    """The order's total, taken in cash at noon."""
    values = {
        "order_id": order.id, "tender": "cash", "status": "captured", "amount": order.total,
        "captured_at": NOON,
    } | _of(fields, order)  # fmt: skip
    row = _saved(session, Payment(**values))
    session.refresh(order, ["paid"])
    return row


def refund(session: Session, *, payment: Payment, **fields: Any) -> Refund:
    """All of a payment, given back with what it was paid with."""
    values = {
        "order_id": payment.order_id, "payment_id": payment.id, "tender": payment.tender,
        "status": "succeeded", "amount": payment.amount, "reason": "Not wanted",
    } | _of(fields, payment)  # fmt: skip
    return _saved(session, Refund(**values))


def refund_line(session: Session, *, refund: Refund, line: OrderLine, **fields: Any) -> RefundLine:
    values = {"amount": refund.amount} | _of(fields, refund)
    return _saved(session, RefundLine(refund_id=refund.id, order_line_id=line.id, **values))


def gateway_event(session: Session, *, payment: Payment, **fields: Any) -> GatewayEvent:
    values = {
        "gateway": "desk", "event_ref": f"evt-{number()}", "kind": "payment.captured", "body": {},
        "payment_id": payment.id,
    } | _of(fields, payment)  # fmt: skip
    return _saved(session, GatewayEvent(**values))


def credit_entry(session: Session, *, customer: Customer, **fields: Any) -> CreditEntry:
    values = {"amount": Decimal("10.00"), "reason": "Goodwill"} | _of(fields, customer)
    return _saved(session, CreditEntry(customer_id=customer.id, **values))


def shipment(session: Session, *, order: Order, **fields: Any) -> Shipment:
    """All goods of the order, packed."""
    goods = [line for line in order.lines if line.kind == "product"]
    order.pieces = sum(line.quantity for line in goods)
    row = _saved(session, Shipment(order_id=order.id, **_of(fields, order)))
    for line in goods:
        piece = ShipmentLine(
            shipment_id=row.id, order_line_id=line.id, quantity=line.quantity,
            vendor_id=row.vendor_id,
        )  # fmt: skip
        _saved(session, piece)
    return row


def product_return(session: Session, *, order: Order, **fields: Any) -> ProductReturn:
    """Asked for, of one piece of the order's first line."""
    values = {"order_id": order.id, "number": number()} | _of(fields, order)
    row = _saved(session, ProductReturn(**values))
    piece = ReturnLine(
        return_id=row.id, order_line_id=order.lines[0].id, quantity=1, reason="Too small",
        vendor_id=row.vendor_id,
    )  # fmt: skip
    _saved(session, piece)
    session.refresh(row, ["lines"])
    return row


def invoice(session: Session, *, order: Order, **fields: Any) -> Invoice:
    n = number()
    values = {
        "order_id": order.id, "kind": "receipt", "number": n, "total": order.total,
        "tax": order.tax, "content": {}, "stored_as": f"{n}.pdf", "checksum": f"{n:064x}",
    } | _of(fields, order)  # fmt: skip
    return _saved(session, Invoice(**values))


def cover(session: Session, *, line: OrderLine | None = None, **fields: Any) -> Cover:
    """A warranty of two years of what an order's line sold."""
    values = {
        "kind": "warranty", "name": "Something", "starts_on": NOON.date(),
        "ends_on": NOON.date() + timedelta(days=730), "order_line_id": line.id if line else None,
    } | _of(fields, line)  # fmt: skip
    return _saved(session, Cover(**values))


def warranty_claim(session: Session, *, cover: Cover, **fields: Any) -> WarrantyClaim:
    values = {"cover_id": cover.id, "number": number(), "problem": "Broken"} | _of(fields, cover)
    return _saved(session, WarrantyClaim(**values))


# --- work in the background ---------------------------------------------------------------


def saved_view(session: Session, **fields: Any) -> SavedView:
    values = {"user_id": 1, "screen": "customers", "name": f"View {number()}", "query": ""}
    return _saved(session, SavedView(**values | fields))


def report_run(session: Session, **fields: Any) -> ReportRun:
    values = {"user_id": 1, "slug": "revenue", "question": f"revenue#{number()}", "words": [],
              "asked_on": date(2026, 11, 20)}  # fmt: skip
    return _saved(session, ReportRun(**values | fields))


def custom_report(session: Session, **fields: Any) -> CustomReport:
    chosen = {"source": "sales", "measures": ["revenue"], "dimensions": ["time"], "chart": "bars",
              "words": []}  # fmt: skip
    values = {"user_id": 1, "name": f"Report {number()}", "definition_json": chosen}
    return _saved(session, CustomReport(**values | fields))


def bulk_job(session: Session, **fields: Any) -> BulkJob:
    values = {"user_id": 1, "kind": "add_tag", "arguments": {"tag": "vip"}, "total": 1}
    return _saved(session, BulkJob(**values | fields))


def bulk_row(session: Session, *, job: BulkJob, customer: Customer, **fields: Any) -> BulkRow:
    row = BulkRow(job_id=job.id, customer_id=customer.id, **_of(fields, customer))
    return _saved(session, row)


def segment(session: Session, **fields: Any) -> Segment:
    """Everybody who is active, unless `definition_json` says otherwise; not worked out yet."""
    rule = {"match": "all", "of": [{"field": "status", "words": ["active"]}]}
    values = {"name": f"Segment {number()}", "definition_json": rule}
    return _saved(session, Segment(**values | fields))


_segment = segment


def segment_membership(
    session: Session, *, segment: Segment, customer: Customer, **fields: Any
) -> SegmentMembership:
    values = {"segment_id": segment.id, "customer_id": customer.id, "entered_at": NOON}
    return _saved(session, SegmentMembership(**values | _of(fields, customer)))


def segment_day(session: Session, *, segment: Segment, **fields: Any) -> SegmentDay:
    values = {"segment_id": segment.id, "day": NOON.date(), "size": 1} | _of(fields, segment)
    return _saved(session, SegmentDay(**values))


def campaign(
    session: Session,
    *,
    segment: Segment | None = None,
    template: MessageTemplate | None = None,
    **fields: Any,
) -> Campaign:
    segment = segment or _segment(session, **_home(_of(fields, template)))
    template = template or message_template(
        session, vendor_id=segment.vendor_id, event=None, purpose="marketing"
    )
    values = {"name": f"Campaign {number()}", "segment_id": segment.id, "template_id": template.id}
    return _saved(session, Campaign(**values | _of(fields, segment)))


def campaign_run(session: Session, *, campaign: Campaign, **fields: Any) -> CampaignRun:
    values = {"campaign_id": campaign.id, "status": "done"} | _of(fields, campaign)
    return _saved(session, CampaignRun(**values))


def campaign_row(
    session: Session, *, run: CampaignRun, customer: Customer, **fields: Any
) -> CampaignRow:
    row = CampaignRow(run_id=run.id, customer_id=customer.id, **_of(fields, run))
    return _saved(session, row)


def import_job(session: Session, **fields: Any) -> ImportJob:
    n = number()
    values: dict[str, Any] = {
        "user_id": 1,
        "filename": f"list-{n}.csv",
        "stored_as": f"list-{n}.csv",
        "checksum": f"{n:064x}",
        "kind": "csv",
        "header": ["Name"],
        "samples": [],
        "mapping": {"Name": "full_name"},
        "match_by": ["email", "phone"],
    }
    return _saved(session, ImportJob(**values | fields))


def import_row(session: Session, *, job: ImportJob, **fields: Any) -> ImportRow:
    n = number()
    values = {"position": n, "line": n, "outcome": "created"} | _of(fields, job)
    return _saved(session, ImportRow(job_id=job.id, **values))


def staged_row(session: Session, *, job: ImportJob, **fields: Any) -> StagedRow:
    n = number()
    words = {"sort_name": "", "search_text": "", "keys": []}
    values: dict[str, Any] = {"position": n, "line": n, "valid": True} | words | _of(fields, job)
    return _saved(session, StagedRow(job_id=job.id, **values))


def staged_sale(session: Session, *, job: ImportJob, **fields: Any) -> StagedSale:
    n = number()
    values = {"position": n, "line": n + 1, "digest": n} | _of(fields, job)
    return _saved(session, StagedSale(job_id=job.id, **values))


def staged_buyer(session: Session, *, job: ImportJob, **fields: Any) -> StagedBuyer:
    values = {"key": number(), "line": 2} | _of(fields, job)
    return _saved(session, StagedBuyer(job_id=job.id, **values))


def staged_item(session: Session, *, job: ImportJob, **fields: Any) -> StagedItem:
    values = {"key": number(), "line": 2, "unit_price": Decimal("10.00")} | _of(fields, job)
    return _saved(session, StagedItem(job_id=job.id, **values))


def staged_order(session: Session, *, job: ImportJob, **fields: Any) -> StagedOrder:
    n = number()
    values = {
        "number": n, "key": n, "until_line": n, "placed_at": NOON, "channel": "import",
        "total": Decimal("10.00"),
    } | _of(fields, job)  # fmt: skip
    return _saved(session, StagedOrder(job_id=job.id, **values))


def staged_refund(session: Session, *, job: ImportJob, **fields: Any) -> StagedRefund:
    values = {"number": 1, "position": number(), "at": NOON, "amount": Decimal("1.00")} | _of(
        fields, job
    )
    return _saved(session, StagedRefund(job_id=job.id, **values))


def import_made(session: Session, *, job: ImportJob, **fields: Any) -> ImportMade:
    values = {"noun": "customer", "row_id": number()} | _of(fields, job)
    return _saved(session, ImportMade(job_id=job.id, **values))


def outbox_message(session: Session, **fields: Any) -> OutboxMessage:
    values: dict[str, Any] = {"task": "tasks.nightly.check_the_books", "payload": {}}
    return _saved(session, OutboxMessage(**values | fields))


# --- messages -----------------------------------------------------------------------------


def message_template(
    session: Session, *, subject: str | None = "News", body: str = "Hello", **fields: Any
) -> MessageTemplate:
    """A template with its first version."""
    values = {"name": f"Template {number()}", "channel": "email", "purpose": "transactional"}
    made = _saved(session, MessageTemplate(**values | fields))
    template_version(session, template=made, number=1, subject=subject, body=body)
    return made


def template_version(
    session: Session, *, template: MessageTemplate, **fields: Any
) -> TemplateVersion:
    values = {"number": template.version, "body": "Hello"} | _of(fields, template)
    return _saved(session, TemplateVersion(template_id=template.id, **values))


def message(session: Session, *, customer: Customer | None = None, **fields: Any) -> Message:
    customer = customer or _customer(session, fields)
    values = {"channel": "email", "purpose": "transactional", "send_at": NOON} | _of(
        fields, customer
    )
    return _saved(session, Message(customer_id=customer.id, **values))


def suppression(session: Session, **fields: Any) -> Suppression:
    values = {"channel": "email", "digest": f"{number():064x}", "reason": "bounced",
              "source": "provider"}  # fmt: skip
    return _saved(session, Suppression(**values | fields))


def provider_event(session: Session, **fields: Any) -> ProviderEvent:
    values: dict[str, Any] = {"provider": "relay", "event_ref": f"event-{number()}",
                              "kind": "delivered", "body": {}}  # fmt: skip
    return _saved(session, ProviderEvent(**values | fields))


# --- loyalty ------------------------------------------------------------------------------


def program(session: Session, **fields: Any) -> LoyaltyProgram:
    """A programme that gives a point for 1.00 at once; points never expire."""
    values = {"name": f"Programme {number()}", "return_days": 0}
    return _saved(session, LoyaltyProgram(**values | fields))


_program = program


def tier(session: Session, *, program: LoyaltyProgram | None = None, **fields: Any) -> LoyaltyTier:
    program = program or _program(session, **_home(fields))
    n = number()
    values = {"name": f"Tier {n}", "spend_from": Decimal(n)} | _of(fields, program)
    return _saved(session, LoyaltyTier(program_id=program.id, **values))


def loyalty_rule(
    session: Session, *, program: LoyaltyProgram | None = None, **fields: Any
) -> LoyaltyRule:
    """Twice the points for every purchase, unless said."""
    program = program or _program(session, **_home(fields))
    gives = {} if "bonus" in fields else {"multiplier": Decimal(2)}
    values = {"name": f"Rule {number()}", **gives} | _of(fields, program)
    return _saved(session, LoyaltyRule(program_id=program.id, **values))


def reward(session: Session, *, program: LoyaltyProgram | None = None, **fields: Any) -> Reward:
    """Five off for a hundred points, unless said."""
    program = program or _program(session, **_home(fields))
    gives = {"amount": Decimal("5.00")} if fields.get("kind", "amount") == "amount" else {}
    values = {"name": f"Reward {number()}", "points": 100, **gives} | _of(fields, program)
    return _saved(session, Reward(program_id=program.id, **values))


def account(
    session: Session,
    *,
    program: LoyaltyProgram | None = None,
    customer: Customer | None = None,
    **fields: Any,
) -> LoyaltyAccount:
    program = program or _program(session, **_home(fields))
    customer = customer or _customer(session, {"vendor_id": program.vendor_id})
    values = {"program_id": program.id, "customer_id": customer.id} | _of(fields, program)
    return _saved(session, LoyaltyAccount(**values))


_account = account


def lot(
    session: Session, *, account: LoyaltyAccount | None = None, points: int = 100, **fields: Any
) -> LoyaltyLot:
    """Points that can be spent, with their entry; they never expire unless said."""
    account = account or _account(session, **_home(fields))
    values = {"source": "gift", "granted": points, "earned_at": NOON} | _of(fields, account)
    row = _saved(session, LoyaltyLot(account_id=account.id, **values))
    loyalty_entry(session, account=account, points=points, lot_id=row.id)
    session.refresh(row)
    session.refresh(account)
    return row


def loyalty_entry(session: Session, *, account: LoyaltyAccount, **fields: Any) -> LoyaltyEntry:
    values = {"kind": "adjust", "reason": "A gift", "at": NOON} | _of(fields, account)
    return _saved(session, LoyaltyEntry(account_id=account.id, **values))


def redemption(
    session: Session, *, account: LoyaltyAccount, reward: Reward, order: Order, **fields: Any
) -> RewardRedemption:
    values = {"points": reward.points, "held_at": NOON} | _of(fields, account)
    row = RewardRedemption(account_id=account.id, reward_id=reward.id, order_id=order.id, **values)
    return _saved(session, row)


def tier_change(session: Session, *, account: LoyaltyAccount, **fields: Any) -> TierChange:
    values = {"spend": Decimal("0.00"), "why": "reached", "at": NOON} | _of(fields, account)
    return _saved(session, TierChange(account_id=account.id, **values))
