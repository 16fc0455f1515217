"""The factories make rows that the database accepts, for the vendor acting and for a named one."""

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.database import begin
from app.tenancy import SYSTEM, acting, vendor_actor
from tests import make


def everything(session: Session, **home: int) -> None:
    """One row of each noun that a vendor owns."""
    customer = make.customer(session, **home)
    make.address(session, customer=customer)
    make.consent(session, customer=customer)
    make.preference(session, customer=customer)
    make.customer_tag(session, customer=customer, tag=make.tag(session, **home))
    make.interest(session, customer=customer)
    make.task(session, customer=customer)
    make.staff_member(session, **home)
    make.coupon(session, **home)
    make.product(session, variants=2, **home)
    for noun in (make.booking, make.holding, make.membership):
        assert noun(session, customer=customer).vendor_id == customer.vendor_id
        assert noun(session, **home).vendor_id == customer.vendor_id
    assert make.order(session, customer=customer, lines=3).total == 30
    assert make.order(session, **home).vendor_id == customer.vendor_id
    make.saved_view(session, **home)
    make.bulk_row(session, job=make.bulk_job(session, **home), customer=customer)
    make.import_row(session, job=make.import_job(session, **home))
    make.outbox_message(session, **home)


def test_every_noun_is_made_by_its_vendor(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        everything(session)


def test_every_noun_is_made_by_the_marketplace_for_a_vendor(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(SYSTEM), begin() as session:
        everything(session, vendor_id=vendor_id)
        user = make.user(session)
        assert make.vendor_user(session, user=user, vendor_id=vendor_id).role == "staff"
        assert make.category(session, parent_id=make.category(session).id).parent is not None
        assert make.person(session).id
