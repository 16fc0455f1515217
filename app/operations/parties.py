"""Between whom a booking is made, and who keeps it: read, and held, by one statement."""

from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, or_, select
from sqlalchemy.orm import Session, aliased

from app.database import as_read, in_drivers_words, quickly
from app.operations import policies
from app.operations.diaries import Offer
from app.operations.hours import Wall, wall_of
from app.operations.policies import Terms
from app.operations.schedules import CannotBook
from models.customers import Customer
from models.memberships import (
    BenefitKind,
    Membership,
    MembershipPlan,
    MembershipStatus,
    PlanBenefit,
)
from models.resources import ServiceResource
from models.services import Service, StaffService
from models.staff import StaffMember
from models.vendors import Vendor


class Parties(NamedTuple):
    """What a booking is of, where its clock hangs, and what is agreed without a word."""

    service: Service
    """A copy to read: the session does not know it."""
    wall: Wall
    terms: Terms | None
    needs: bool
    """Whether the service needs a room or equipment."""
    has_perks: bool = False
    """Whether the customer is a member somewhere here, or services are for members only."""
    offer: Offer | None = None
    """How somebody does it whose time nobody else books meanwhile; None: that is to be asked."""


def _parties() -> Select[*tuple[Any, ...]]:
    found: Select[*tuple[Any, ...]] = (
        select(
            *Service.__table__.c, Customer.archived_at, Vendor.time_zone,
            policies.frozen(Service.vendor_id, Service.id),
            exists().where(
                ServiceResource.vendor_id == Service.vendor_id,
                ServiceResource.service_id == Service.id,
            ),
            case((_has_plans(), _gives_perks()), else_=False),
        )
        .join(Vendor, Vendor.id == Customer.vendor_id)
        .outerjoin(
            Service,
            and_(Service.vendor_id == Customer.vendor_id, Service.id == bindparam("service_id")),
        )
        .where(Customer.id == bindparam("customer_id"))
    )  # fmt: skip
    return found


def _has_plans() -> ColumnElement[bool]:
    """Most vendors have none, and nothing more is asked then."""
    return exists().where(MembershipPlan.vendor_id == Customer.vendor_id)


def _gives_perks() -> ColumnElement[bool]:
    member = exists().where(
        Membership.vendor_id == Customer.vendor_id,
        Membership.customer_id == Customer.id,
        Membership.status != MembershipStatus.ENDED.value,
    )
    closed = exists().where(
        PlanBenefit.vendor_id == Customer.vendor_id, PlanBenefit.kind == BenefitKind.ACCESS.value
    )
    return or_(member, closed)


def _with_staff() -> Select[*tuple[Any, ...]]:
    """With somebody who works there, and is held, too; and whether they do it, and how."""
    anybody = aliased(StaffService)
    named = exists().where(anybody.vendor_id == Service.vendor_id, anybody.service_id == Service.id)
    return (
        _parties()
        .add_columns(
            StaffMember.name, StaffService.id, named, StaffService.duration_minutes,
            StaffService.price,
        )
        .join(
            StaffMember,
            and_(
                StaffMember.vendor_id == Customer.vendor_id,
                StaffMember.id == bindparam("staff_id"),
                StaffMember.is_active,
            ),
        )
        .outerjoin(
            StaffService,
            and_(
                StaffService.vendor_id == StaffMember.vendor_id,
                StaffService.staff_id == StaffMember.id,
                StaffService.service_id == Service.id,
            ),
        )
        .suffix_with("FOR KEY SHARE OF customers FOR NO KEY UPDATE OF staff_members")
    )  # fmt: skip


# Built once: putting them together would take as long as sending them.
_PARTIES = in_drivers_words(_parties().with_for_update(read=True, key_share=True, of=Customer))
_WITH_STAFF = in_drivers_words(_with_staff())
_COLUMNS = Service.__table__.c.keys()


def between(
    session: Session, *, customer_id: int, service_id: int, staff_id: int | None = None
) -> Parties:
    """The two sides of a booking; refuses who is archived or gone, and what is not offered.

    Whoever merges, archives or forgets the customer meanwhile is waited for, so that nothing is
    written into a file that nobody opens any more; and whoever books `staff_id`. Somebody who
    does not work there or does not do it is not judged here.
    """
    session.flush()  # what is read again below
    look = {"customer_id": customer_id, "service_id": service_id, "staff_id": staff_id}
    found = None if staff_id is None else _read(session, _WITH_STAFF, look)
    if found is None:
        found = _read(session, _PARTIES, look)
    if found is None or found[1][0] is not None:
        raise CannotBook("This customer is not here any more: choose one.", field="customer_id")
    service, (_, zone, terms, needs, perks, *staff) = found
    if service.id is None or not service.is_active:
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    offer = _offer(service, staff_id, *staff) if staff else None
    return Parties(service, wall_of(zone), terms, needs, perks, offer)


def _read(
    session: Session, statement: tuple[str, dict[str, Any]], look: dict[str, Any]
) -> tuple[Service, tuple[Any, ...]] | None:
    """The service, empty where there is none, and what else was found."""
    text, own = statement
    rows = quickly(session.connection(), text, own | look)
    if not rows:
        return None
    many = len(_COLUMNS)
    return as_read(Service, dict(zip(_COLUMNS, rows[0], strict=False))), rows[0][many:]


def _offer(
    service: Service, staff_id: int | None, name: str, own: int | None, named: bool,
    minutes: int | None, price: Decimal | None,
) -> Offer | None:  # fmt: skip
    return None if named and own is None else Offer.of(service, staff_id, name, minutes, price)
