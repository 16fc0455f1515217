"""What the clock and the outbox start for the waitlist: every vendor gets its turn."""

from datetime import timedelta

from sqlalchemy import Connection

from app import clock
from app.database import begin
from app.operations import freeing, waitlist
from app.tenancy import acting, vendor_actor
from models.waitlist import WaitlistEntry
from tasks import waitlist as tasks
from tasks.celery import MODULES, celery_app
from tests import make

TOMORROW = make.NOON + timedelta(days=1)


def offered(vendor_id: int) -> int:
    """An entry that is offered an hour of tomorrow, at noon."""
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        entry = waitlist.join(
            session, customer_id=make.customer(session).id, service_id=make.service(session).id,
            latest=TOMORROW + timedelta(days=1),
        )  # fmt: skip
        staff = make.staff_member(session).id
        waitlist.offer(session, entry_id=entry.id, starts_at=TOMORROW, staff_id=staff)
        return entry.id


def stands(vendor_id: int, entry_id: int) -> str:
    with acting(vendor_actor(vendor_id)), begin() as session:
        return session.get_one(WaitlistEntry, entry_id).status


def test_every_promise_names_a_task_that_is_there() -> None:
    assert "tasks.waitlist" in MODULES
    for name in (freeing.FILL, freeing.FILL_TIME, freeing.FILL_CLASS):
        assert name in celery_app.tasks
    beat = celery_app.conf.beat_schedule["end-unanswered-offers"]
    assert beat["task"] == tasks.lapse.name
    assert beat["schedule"].is_due(clock.now() - timedelta(minutes=1)).is_due


def test_offers_of_every_vendor_end(db: Connection) -> None:
    vendors = [make.new_vendor() for _ in range(3)]
    entries = {vendor_id: offered(vendor_id) for vendor_id in vendors}
    with clock.stopped_at(make.NOON + timedelta(minutes=29)):
        assert tasks.lapse.apply().get() == 0
    with clock.stopped_at(make.NOON + timedelta(minutes=30)):
        assert tasks.lapse.apply().get() == 3
        assert tasks.lapse.apply().get() == 0
    assert {stands(*pair) for pair in entries.items()} == {"waiting"}


def test_a_task_acts_for_its_own_vendor_only(db: Connection) -> None:
    mine, other = make.new_vendor(), make.new_vendor()
    entry = offered(mine)
    with acting(vendor_actor(mine)), begin() as session:
        booking_id = session.get_one(WaitlistEntry, entry).booking_id
    tasks.fill.apply(kwargs={"vendor_id": other, "booking_id": booking_id}).get()
    assert stands(mine, entry) == "offered"
