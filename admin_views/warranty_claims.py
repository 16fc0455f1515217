"""Claims on screen: carried on step by step, and put right in one of the ways their cover has."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, of_vendor
from admin_views.forms import read_amount
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids, record_id
from admin_views.saving import Command, Moves
from app.errors import DomainError
from app.money import decimals_of
from app.operations import warranty_claims
from app.settings import settings
from models.bookings import Booking
from models.covers import CLAIM_TRANSITIONS, ClaimResolution, ClaimStatus, Cover, WarrantyClaim
from models.orders import Order

NOTE = ("note", "Note (optional)")


def _moving(verb: Any, to: ClaimStatus, way: ClaimResolution | None = None) -> Moves:
    def run(session: Session, number: int, **words: str) -> None:
        verb(session, claim_id=number, **words)

    def when(claim: WarrantyClaim) -> bool:
        possible = way is None or way in warranty_claims.ways(claim.cover)
        return possible and to in CLAIM_TRANSITIONS[ClaimStatus(claim.status)]

    return run, when


def _settling(verb: Any, way: ClaimResolution) -> Moves:
    return _moving(verb, ClaimStatus.RESOLVED, way)


def _with_amount(verb: Any) -> Any:
    """The verb, with the amount as it was typed."""

    def run(session: Session, *, claim_id: int, amount: str = "", note: str = "") -> None:
        try:
            read = read_amount(amount, decimals_of(settings().currency))
        except ValueError as error:
            raise DomainError(str(error), field="amount") from None
        verb(session, claim_id=claim_id, amount=read, note=note)

    return run


def _redo(session: Session, *, claim_id: int, starts_at: str = "", note: str = "") -> None:
    try:
        begins = datetime.fromisoformat(starts_at)
    except ValueError:
        raise DomainError("Say when: choose a day and a time.", field="starts_at") from None
    warranty_claims.redo(session, claim_id=claim_id, starts_at=begins, note=note)


class ClaimView(HouseView, model=WarrantyClaim):
    """What customers claim under their covers."""

    name, name_plural, icon = "Claim", "Claims", "ti ti-tool"
    category, status_kind = "Sales", "claim"
    can_create = can_edit = can_delete = False
    columns = (
        Col("number", "Claim", value=str),
        Col("cover", "Of what", value=lambda c: c.cover.name),
        Col("customer", "Customer", value=lambda c: _customer(c) or "nobody"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="claim", css="c-status"),
        Col("resolution", "Put right by", "word"),
        Col("opened_at", "Since", "moment"),
    )
    sorts = declared(newest=Sort(WarrantyClaim.id, descending=True))
    search_hint = "Search number, item or customer"
    filters = (
        OneOf("status", "Status", WarrantyClaim.status, icon="circle-dot", words=ClaimStatus),
        of_vendor(WarrantyClaim.vendor_id),
        OneOf(
            "resolution", "Put right by", WarrantyClaim.resolution, icon="tool",
            words=ClaimResolution,
        ),
        Between("opened", "Since", WarrantyClaim.opened_at),
    )  # fmt: skip
    loads = (joinedload(WarrantyClaim.cover).joinedload(Cover.customer),)
    details = (
        (
            "Claim",
            (
                Col("cover", "Of what", value=lambda c: link_to("cover", c.cover)),
                Col("customer", "Customer", value=lambda c: link_to("customer", c.cover.customer)),
                Col("problem", "What is wrong"),
                Col("opened_at", "Since", "moment"),
                Col("resolution", "Put right by", "word"),
                Col("note", "Note"),
                Col("closed_at", "Closed", "moment"),
            ),
        ),
    )
    hides_empty = ("resolution", "note", "closed_at", "customer")
    empty = declared(
        icon="tool",
        title="No claims yet",
        text="A claim is made on the page of a cover, which a customer's page leads to.",
    )
    commands = (
        Command(
            "assess", "Look into it",
            *_moving(warranty_claims.assess, ClaimStatus.IN_ASSESSMENT),
            "Somebody looks into it.", icon="search",
        ),
        Command(
            "approve", "Agree", *_moving(warranty_claims.approve, ClaimStatus.APPROVED),
            "It is put right for nothing: choose how.", icon="circle-check", primary=True,
        ),
        Command(
            "repair", "Take in for repair",
            *_moving(warranty_claims.repair, ClaimStatus.IN_REPAIR, ClaimResolution.REPAIR),
            "The cover rests until it is repaired.", icon="tool",
        ),
        Command(
            "repaired", "Repaired", *_settling(warranty_claims.repaired, ClaimResolution.REPAIR),
            "It is repaired: the cover goes on.", icon="circle-check",
            ask=("Is it repaired?", "Its cover lasts longer by the days that it rested."),
            inputs=(NOTE,),
        ),
        Command(
            "replace", "Replace", *_settling(warranty_claims.replace, ClaimResolution.REPLACE),
            "Another piece is ordered for nothing: hand it over on the order's page.",
            icon="package",
            ask=(
                "Give another piece for nothing?",
                "An order of it is placed, and it inherits what is left of the cover.",
            ),
            inputs=(("serial", "Its serial number (optional)"), NOTE),
        ),
        Command(
            "redo", "Do it again", *_settling(_redo, ClaimResolution.REDO),
            "It is booked again, for nothing.", icon="calendar-plus", primary=True,
            ask=("When is it done again?", "The booking costs nothing; the same person does it."),
            inputs=(("starts_at", "When", "datetime-local"), NOTE),
        ),
        Command(
            "refund", "Refund",
            *_settling(_with_amount(warranty_claims.refund), ClaimResolution.REFUND),
            "The money is given back.", icon="arrow-back-up", action="pay",
            ask=(
                "How much is given back?",
                "It goes back as it was paid, and the cover ends.",
            ),
            inputs=(("amount", "Amount"), NOTE),
        ),
        Command(
            "credit", "Store credit",
            *_settling(_with_amount(warranty_claims.credit), ClaimResolution.CREDIT),
            "The customer has store credit for it.", icon="wallet", action="pay",
            ask=("How much store credit is given?", "The cover ends."),
            inputs=(("amount", "Amount"), NOTE),
        ),
        Command(
            "reject", "Reject", *_moving(warranty_claims.reject, ClaimStatus.REJECTED),
            "The claim is rejected.", icon="ban", danger=True,
            ask=("Why is it rejected?", "The customer will ask."), inputs=(("note", "Why"),),
        ),
        Command(
            "cancel", "Let it be", *_moving(warranty_claims.cancel, ClaimStatus.CANCELLED),
            "The claim is let be; its cover goes on.", icon="circle-x", danger=True,
            ask=("Does the customer let it be?", "The claim stays in the list; the cover goes on."),
            inputs=(NOTE,),
        ),
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By number, or by customer."""
        theirs = select(Cover.id).where(Cover.customer_id.in_(customer_ids(session, term)))
        found: list[ColumnElement[bool]] = [WarrantyClaim.cover_id.in_(theirs)]
        number = record_id(term.removeprefix("#"))
        if number is not None:
            found.append(WarrantyClaim.number == number)
        return rows.where(or_(*found))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What came of it: the order of what was given instead, or the booking."""
        rows = []
        if record.order_id is not None:
            rows.append(_came("order", "receipt", session.get_one(Order, record.order_id)))
        if record.booking_id is not None:
            booking = session.get_one(Booking, record.booking_id)
            rows.append(_came("booking", "calendar-event", booking))
        return {"related": [{"title": "What came of it", "rows": rows}]} if rows else {}


def _came(noun: str, icon: str, record: Any) -> dict[str, Any]:
    return {
        "title": str(record), "url": f"/admin/{noun}/details/{record.id}", "icon": icon,
        "status": record.status, "status_kind": noun,
    }  # fmt: skip


def _customer(claim: WarrantyClaim) -> str:
    return claim.cover.customer.name if claim.cover.customer else ""


VIEWS = [ClaimView]
