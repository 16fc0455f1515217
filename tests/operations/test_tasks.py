"""Notes and calls: written down as tasks that are done already."""

from datetime import datetime

import pytest
from sqlalchemy import Connection

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import tasks
from app.tenancy import SYSTEM, Actor, DatabaseRole, PanelRole, acting, vendor_actor
from app.transact import in_transaction
from models.customers import Customer
from reports import timeline
from tests import make


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def customer(vendor: int, **fields: object) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.customer(session, **fields).id


def test_a_call_stands_in_the_time_line_with_who_made_it(vendor: int) -> None:
    number = customer(vendor)
    with acting(SYSTEM), begin() as session:
        person = make.staff_member(session, name="Ana Alves", vendor_id=vendor)
        user = make.user(session)
        make.vendor_user(session, user=user, vendor_id=vendor, staff_member_id=person.id)
        boss = Actor(DatabaseRole.VENDOR, vendor, user.id, PanelRole.STAFF)
    with acting(boss):
        made = in_transaction(
            tasks.log, customer_id=number, text="  Wants Friday\nafternoon ", is_call=True
        )
    assert (made.status, made.done_at, made.due_at) == ("done", clock.now(), None)
    with acting(boss), begin() as session:
        page = timeline.page(session, vendor_id=vendor, customer_id=number, tab=timeline.Tab.TASKS)
    assert [(i.title, i.detail, i.status) for i in page.items] == [
        ("Call", "Wants Friday\nafternoon · Ana Alves", "done")
    ]


def test_a_note_of_somebody_without_a_place_has_no_name(vendor: int) -> None:
    number = customer(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        made = tasks.log(session, customer_id=number, text="Prefers the window")
        assert (made.title, made.outcome, made.assignee_id) == ("Note", "Prefers the window", None)


@pytest.mark.parametrize("text", ["", "  \n", "\0", "\0 \t"])
def test_nothing_is_not_kept(vendor: int, text: str) -> None:
    number = customer(vendor)
    with acting(vendor_actor(vendor)), pytest.raises(tasks.NothingSaid):
        in_transaction(tasks.log, customer_id=number, text=text)


def test_the_longest_note_is_cut_and_an_archived_file_takes_none(vendor: int) -> None:
    number = customer(vendor)
    with acting(vendor_actor(vendor)):
        made = in_transaction(tasks.log, customer_id=number, text="x" * 9000)
        assert len(made.outcome or "") == tasks.LONGEST_LOG
        with begin() as session:
            session.get_one(Customer, number).archived_at = clock.now()
        with pytest.raises(DomainError, match="restore"):
            in_transaction(tasks.log, customer_id=number, text="hello")
