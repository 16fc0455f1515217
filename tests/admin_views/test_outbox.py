"""The outbox on screen: admins see what waits and what was given up, and send that again."""

from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import messages
from app.tenancy import SYSTEM, acting, vendor_actor
from models.messages import Message
from models.outbox import OutboxMessage
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff

HOME = "/admin/outbox-message"


def promised(**fields: Any) -> int:
    with acting(SYSTEM), begin() as session:
        return make.outbox_message(session, **fields).id


def message(number: int) -> OutboxMessage:
    with acting(SYSTEM), begin() as session:
        return session.get_one(OutboxMessage, number)


@pytest.mark.parametrize("role", [manager, staff])
def test_it_is_for_admins_only(panel: PanelClient, db: Connection, role: Any) -> None:
    vendor = make.new_vendor()
    number = promised(vendor_id=vendor, dead_at=make.NOON)
    panel.as_(role(vendor))
    assert panel.get(f"{HOME}/list").status_code == 403
    assert panel.get(f"{HOME}/details/{number}").status_code == 403
    assert panel.post(f"{HOME}/do/{number}/send").status_code == 403
    assert "Outbox" not in panel.get("/admin/customer/list").text
    assert message(number).dead_at == make.NOON


def test_what_was_given_up_is_sent_again_and_only_that(panel: PanelClient, db: Connection) -> None:
    dead = promised(dead_at=make.NOON, attempts=8, last_error="OperationalError")
    waits = promised(attempts=3)
    done = promised(done_at=make.NOON, attempts=1)
    panel.as_(admin())
    assert f"{HOME}/do/{dead}/send" in panel.get(f"{HOME}/details/{dead}").text
    assert panel.post(f"{HOME}/do/{dead}/send").status_code == 303
    assert (message(dead).dead_at, message(dead).attempts) == (None, 0)
    for number, tries in ((waits, 3), (done, 1), (dead, 0)):
        assert "/do/" not in panel.get(f"{HOME}/details/{number}").text
        panel.post(f"{HOME}/do/{number}/send")
        assert message(number).attempts == tries
    assert message(done).done_at == make.NOON
    assert panel.post(f"{HOME}/do/999999999/send").status_code == 404
    assert panel.get(f"{HOME}/do/{dead}/send").status_code == 405


def test_a_message_that_was_given_up_is_sent_again_from_the_outbox(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session, email="ana@example.com")
        failed = make.message(session, customer=customer, status="failed", error="Given up.")
        row = make.outbox_message(
            session, task=messages.TASK, payload={"message_id": failed.id}, dead_at=make.NOON,
            attempts=30, last_error="ServerAway: The mail server does not answer.",
        )  # fmt: skip
        failed.delivery_id = row.id
    panel.as_(admin())
    page = panel.get(f"{HOME}/details/{row.id}").text
    assert f"/admin/message/details/{failed.id}" in page
    assert "The mail server does not answer." in page
    assert panel.post(f"{HOME}/do/{row.id}/send").status_code == 303
    assert (message(row.id).dead_at, message(row.id).attempts) == (None, 0)
    with acting(SYSTEM), begin() as session:
        again = session.get_one(Message, failed.id)
        assert (again.status, again.error, again.tries) == ("queued", None, 0)


def test_the_states_are_filters(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    promised(vendor_id=vendor)
    promised(vendor_id=vendor, done_at=make.NOON)
    promised(vendor_id=vendor, dead_at=make.NOON)
    panel.as_(admin())
    for query, many in (("", 3), ("state=waiting", 1), ("state=sent", 1), ("state=given_up", 1),
                        ("state=%00", 3), ("state=waiting&state=sent", 1)):  # fmt: skip
        page = panel.get(f"{HOME}/list?vendor={vendor}&{query}").text
        assert page.count("<tr data-row>") == many, query


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ("OperationalError", "Something went wrong (OperationalError)"),
        ("NotFound: There is no such page here.", "There is no such page here."),
        ("The worker died each time.", "The worker died each time."),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
    ],
)
def test_an_error_is_one_sentence_and_no_secret_is_shown(
    panel: PanelClient, db: Connection, kept: str, sentence: str
) -> None:
    number = promised(
        task="tasks.mail.send_link", payload={"link": "hush-hush", "user_id": 7}, last_error=kept
    )
    panel.as_(admin())
    for path in ("list", f"details/{number}"):
        page = panel.get(f"{HOME}/{path}").text
        assert sentence in page
        assert "Mail: send link" in page
        assert "hush-hush" not in page
        assert "<script>alert" not in page


def test_nothing_of_it_is_edited(panel: PanelClient, db: Connection) -> None:
    number = promised(dead_at=make.NOON)
    panel.as_(admin())
    for path in ("create", f"edit/{number}", f"remove/{number}"):
        assert panel.post(f"{HOME}/{path}", data={"task": "tasks.x"}).status_code == 403, path
    assert message(number).task == "tasks.nightly.check_the_books"
