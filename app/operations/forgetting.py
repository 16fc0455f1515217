"""Forgetting: whatever tells who a customer was goes; what was sold and decided stays."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    case,
    cast,
    delete,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app import clock
from app.errors import NotFound
from app.operations import messages, score_keeping, unsubscribing
from app.operations.conditions import is_any
from app.operations.customers import IsForgotten
from app.operations.outbox import enqueue
from models.bookings import Booking
from models.coupons import CouponRedemption
from models.covers import Cover, WarrantyClaim
from models.customers import (
    Address,
    Customer,
    CustomerMerge,
    CustomerPreference,
    CustomerStatus,
    PreferredCategory,
)
from models.feeds import CalendarFeed
from models.imports import ImportJob, ImportRow
from models.memberships import Membership
from models.orders import Order, OrderLine
from models.payments import CreditEntry, Payment, Refund
from models.points import LoyaltyAccount, LoyaltyEntry
from models.returns import ProductReturn, ReturnLine
from models.segments import SegmentMembership
from models.shipments import Shipment
from models.tags import CustomerTag
from models.tasks import Task
from models.waitlist import WaitlistEntry

DROP = "tasks.kept.forget"
FORGOTTEN = "About a customer who was forgotten"
_PERSONAL = (
    "person_id", "full_name", "company", "reference", "email", "phone", "phone_2", "birthday",
    "locale", "time_zone", "note",
)  # fmt: skip


def forget(session: Session, *, customer_id: int) -> Customer:
    """Forget who a customer was, with every file merged into this one; there is no way back.

    Names, contacts, birthday, notes, addresses, tags and preferences go, and with them what the
    trail, imported lists and messages know of them. Bookings, orders, holdings, consents
    and figures stay, without a word of the person: notes, reasons of discounts, refunds, returns
    and store credit, references of payments, what a claim was about, and where goods were sent, of
    which country and region stay, since the tax hangs on them.

    Receipts, invoices and credit notes stay as they were issued, with the name and the address
    that stand on them: tax law has them kept for years (in the Union six to ten), unchanged, and
    the law that lets a person be forgotten lets that duty go first (GDPR, article 17 (3) b). So do
    words as a gateway sent them, by which its money is proved. Mail that was promised and not sent
    goes nowhere any more. What they had unsubscribed from stays so for their addresses, of which
    only digests are kept.
    """
    session.flush()  # what is read again below
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None:
        raise NotFound
    if customer.anonymised_at is not None:
        raise IsForgotten
    files = [customer, *_merged_into(session, customer)]
    ids = [file.id for file in files]
    for file in files:
        unsubscribing.keep(session, file)
        _blank(file)
    _strike_out(session, ids)
    score_keeping.unrank(session, vendor_id=customer.vendor_id, customer_ids=ids)
    messages.forget(session, customer_ids=ids)
    enqueue(session, DROP, vendor_id=customer.vendor_id, customer_ids=ids)
    sold = _sold(session, customer.vendor_id, ids)
    for model, values in _WORDS:
        _update(session, model, is_any(model.id, sold[model]), values)
    session.execute(_STEPS, {"vendor": customer.vendor_id, "ids": sold[OrderLine]})
    session.flush()  # the trail of these very changes is erased too
    with _standing_in(session, customer.vendor_id):
        for number in ids:
            session.execute(select(func.erase_trail(number)))
        for model, rows in sold.items():
            if model is not CreditEntry:  # it has no trail
                named: Any = cast(rows, ARRAY(BigInteger))
                session.execute(select(func.erase_trail_of(model.__tablename__, named)))
    return customer


def _merged_into(session: Session, customer: Customer) -> list[Customer]:
    """The files that became this one, and those that had become them."""
    found: list[Customer] = []
    level = [customer.id]
    while level:
        query = select(Customer).where(
            Customer.vendor_id == customer.vendor_id, is_any(Customer.merged_into_id, level)
        )
        files = list(session.scalars(query.order_by(Customer.id).with_for_update()))
        found += files
        level = [file.id for file in files]
    return found


def _blank(file: Customer) -> None:
    for name in _PERSONAL:
        setattr(file, name, None)
    file.anonymised_at = clock.now()
    file.archived_at = file.archived_at or file.anonymised_at
    file.status = CustomerStatus.INACTIVE


def _strike_out(session: Session, ids: Sequence[int]) -> None:
    for gone in (
        Address, CustomerPreference, PreferredCategory, CustomerTag, CalendarFeed,
        SegmentMembership,
    ):  # fmt: skip
        session.execute(delete(gone).where(is_any(gone.customer_id, ids)))
    lists = ImportJob.id.in_(select(ImportRow.job_id).where(is_any(ImportRow.customer_id, ids)))
    # The first rows as the file has them; being cleared is no step of the list.
    _update(session, ImportJob, lists, {"samples": [], "updated_at": ImportJob.updated_at})
    for kept, values in _NOTES:
        _update(session, kept, is_any(kept.customer_id, ids), values)
    covers = select(Cover.id).where(is_any(Cover.customer_id, ids))
    said = {"problem": FORGOTTEN, "note": None}
    _update(session, WarrantyClaim, WarrantyClaim.cover_id.in_(covers), said)
    accounts = select(LoyaltyAccount.id).where(is_any(LoyaltyAccount.customer_id, ids))
    given = (LoyaltyEntry.account_id.in_(accounts)) & LoyaltyEntry.reason.is_not(None)
    _update(session, LoyaltyEntry, given, {"reason": FORGOTTEN})
    merges = or_(is_any(CustomerMerge.survivor_id, ids), is_any(CustomerMerge.merged_id, ids))
    _update(session, CustomerMerge, merges, {"before": {}, "moved": {}})


def _sold(session: Session, vendor_id: int, ids: Sequence[int]) -> dict[Any, list[int]]:
    """The rows around the customers' orders and covers, by their nouns."""

    def of(model: Any, column: Any, parents: list[int]) -> list[int]:
        rows = select(model.id).where(model.vendor_id == vendor_id, is_any(column, parents))
        return list(session.scalars(rows.order_by(model.id)))

    orders, covers = of(Order, Order.customer_id, list(ids)), of(Cover, Cover.customer_id, [*ids])
    returns = of(ProductReturn, ProductReturn.order_id, orders)
    return {
        Order: orders, OrderLine: of(OrderLine, OrderLine.order_id, orders),
        Payment: of(Payment, Payment.order_id, orders),
        Refund: of(Refund, Refund.order_id, orders),
        Shipment: of(Shipment, Shipment.order_id, orders),
        ProductReturn: returns, ReturnLine: of(ReturnLine, ReturnLine.return_id, returns),
        Cover: covers, WarrantyClaim: of(WarrantyClaim, WarrantyClaim.cover_id, covers),
        CreditEntry: of(CreditEntry, CreditEntry.customer_id, list(ids)),
    }  # fmt: skip


def _where_to() -> Any:
    """Of an address country and region, as far as they are known; nothing of none."""
    parts = ("country", "region")
    kept = func.jsonb_build_object(*(x for p in parts for x in (p, Order.ship_to.op("->")(p))))
    return case((Order.ship_to.is_(None), null()), else_=func.jsonb_strip_nulls(kept))


_STEPS = text(
    """
    UPDATE order_lines SET price_steps = (
      SELECT jsonb_agg(CASE WHEN step ->> 'step' LIKE '%discount%'
        THEN jsonb_set(step, '{why}', '"Discount"') ELSE step END)
      FROM jsonb_array_elements(price_steps) AS step)
    WHERE vendor_id = :vendor AND id = ANY (:ids) AND jsonb_typeof(price_steps) = 'array'
      AND price_steps @> '[{}]'
    """
)

_WORDS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (Order, {"ship_to": _where_to()}),
    (Payment, {"reference": None}),
    (Refund, {"reason": FORGOTTEN, "reference": None}),
    (Shipment, {"tracking": None, "failure": None}),
    (ProductReturn, {"note": None, "cancel_reason": None}),
    (ReturnLine, {"reason": FORGOTTEN}),
    (CreditEntry, {"reason": FORGOTTEN}),
)
"""Free text around orders, and what stands there afterwards."""

_NOTES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (Booking, {"note": None, "cancel_reason": None, "overbooked": None, "fee_waived": None}),
    (WaitlistEntry, {"note": None}),
    (Order, {"note": None, "cancel_reason": None, "reference": None}),
    (Membership, {"freeze_reason": None, "end_reason": None}),
    (Task, {"title": FORGOTTEN, "note": None, "outcome": None}),
    # SQL's NULL: a plain None would be kept as the JSON value null.
    (CouponRedemption, {"email_key": None, "phone_key": None}),
    (ImportRow, {"raw": null(), "problems": null(), "before": null(), "after": null()}),
)
"""Free text beside what is kept, and what stands there afterwards."""


def _update(
    session: Session, model: Any, which: ColumnElement[bool], values: dict[str, Any]
) -> None:
    statement = update(model).where(which).values(values)
    session.execute(statement, execution_options={"synchronize_session": "fetch"})


@contextmanager
def _standing_in(session: Session, vendor_id: int) -> Iterator[None]:
    """The trail is erased for the vendor stood in; the marketplace may stand in none."""
    before = session.scalar(text("SELECT current_setting('app.vendor_id', true)")) or ""
    stand = text("SELECT set_config('app.vendor_id', :vendor, true)")
    session.execute(stand, {"vendor": str(vendor_id)})
    yield
    session.execute(stand, {"vendor": before})
