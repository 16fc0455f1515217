"""Between whom a booking is made: the customer, the service and its vendor, by one statement."""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, exists, select
from sqlalchemy.orm import Session

from app.operations import policies
from app.operations.hours import Wall
from app.operations.policies import Terms
from app.operations.schedules import CannotBook
from models.customers import Customer
from models.resources import ServiceResource
from models.services import Service
from models.vendors import Vendor


class Parties(NamedTuple):
    """Whom a booking is for, what it is of, and what is agreed without a word."""

    customer: Customer
    service: Service
    vendor: Vendor
    terms: Terms | None
    needs: bool
    """Whether the service needs a room or equipment."""

    @property
    def wall(self) -> Wall:
        return Wall(self.vendor.time_zone)


# Built once: putting it together would take as long as sending it.
_PARTIES = (
    select(
        Customer, Service, Vendor,
        policies.frozen(Service.vendor_id, Service.id),
        exists().where(
            ServiceResource.vendor_id == Service.vendor_id, ServiceResource.service_id == Service.id
        ),
    )
    .join(Vendor, Vendor.id == Customer.vendor_id)
    .outerjoin(
        Service,
        and_(Service.vendor_id == Customer.vendor_id, Service.id == bindparam("service_id")),
    )
    .where(Customer.id == bindparam("customer_id"))
    .with_for_update(read=True, key_share=True, of=Customer)
)  # fmt: skip


def between(session: Session, *, customer_id: int, service_id: int) -> Parties:
    """The two sides of a booking; refuses who is archived or gone, and what is not offered.

    Whoever merges, archives or forgets the customer meanwhile is waited for, so that nothing is
    written into a file that nobody opens any more.
    """
    session.flush()  # what is read again below
    found = session.execute(
        _PARTIES,
        {"customer_id": customer_id, "service_id": service_id},
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None or found[0].archived_at is not None:
        raise CannotBook("This customer is not here any more: choose one.", field="customer_id")
    parties = Parties(*found)
    if found[1] is None or not parties.service.is_active:
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    return parties
