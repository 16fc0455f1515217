"""Messages on screen: found, read with what became of them, sent again, called off."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import messages
from app.tenancy import acting, vendor_actor
from models.messages import Message
from models.outbox import OutboxMessage
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of

HOME = "/admin/message"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def vendor(panel: PanelClient, db: Connection) -> int:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    return vendor


def made(vendor: int, **fields: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return int(make.message(session, **fields).id)


def now(vendor: int, number: int) -> Message:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(Message, number)


def page(panel: PanelClient, path: str, status: int = 200) -> str:
    answer = panel.get(path)
    assert answer.status_code == status, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return answer.text


def test_the_list_is_narrowed_by_every_filter(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        ana = make.customer(session, full_name=HOSTILE)
        template = make.message_template(session, name="Autumn")
        make.message(
            session, customer=ana, status="failed", channel="sms", purpose="marketing",
            event="birthday", body="x" * 300, created_at=clock.now() - timedelta(days=40),
        )  # fmt: skip
        make.message(session, customer=ana, direction="in", body="Yes please", status="delivered")
        make.message(session, status="queued", subject="Hello", template_id=template.id)
        one, two = ana.id, template.id
    day = (clock.now() - timedelta(days=38)).date()  # by any zone after it was written
    for query, found in (
        ("", 3), ("status=failed", 1), ("status=queued&status=failed", 2), ("status=%00", 3),
        ("channel=sms", 1), ("purpose=marketing", 1), ("event=birthday", 1), ("direction=in", 1),
        (f"customer={one}", 2), (f"template={two}", 1), (f"written_to={day}", 1),
        ("search=img", 2), ("channel=pigeon", 3), ("status=sent", 0),
    ):  # fmt: skip
        html = page(panel, f"{HOME}/list?{query}")
        assert html.count("<tr data-row>") == found, query
        assert HOSTILE not in html


def test_days_are_paged_in_the_order_of_their_index(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        ana = make.customer(session)
        for n in range(30):
            make.message(
                session, customer=ana, subject=f"Number {n:02}.",
                created_at=make.NOON - timedelta(hours=n),
            )  # fmt: skip
    first = page(panel, f"{HOME}/list?written_from=2026-11-19")
    assert "1–25 of 30" in text_of(first)
    [after] = re.findall(r'href="(\?[^"]*after=[^"]*)" rel="next"', first)
    second = text_of(page(panel, f"{HOME}/list{unescape(after)}"))
    for n in range(30):
        assert (f"Number {n:02}." in text_of(first)) == (n < 25)
        assert (f"Number {n:02}." in second) == (n >= 25)


def test_its_page_tells_what_was_said_and_what_to_do(panel: PanelClient, vendor: int) -> None:
    number = made(
        vendor, status="failed", subject=HOSTILE, body="Line one\nLine two", tries=3,
        address="ana@example.com", reason="RecipientRefused", failed_at=clock.now(),
        error="The mail server refuses the recipient (550): check the e-mail address.",
    )  # fmt: skip
    html = page(panel, f"{HOME}/details/{number}")
    said = text_of(html)
    for words in ("Line one", "refuses the recipient (550)", "page, then send it again",
                  "Tried 3 times", "Failed", "ana@example.com"):  # fmt: skip
        assert words in said, words
    assert HOSTILE not in html
    waits = made(vendor, event="booking_confirmed", send_at=clock.now() + timedelta(hours=3))
    said = text_of(page(panel, f"{HOME}/details/{waits}"))
    assert "What it would say now" in said
    assert "Written because of: booking confirmed" in said
    assert "Is to be sent" in said
    answer = made(vendor, direction="in", body="Yes", status="delivered")
    said = text_of(page(panel, f"{HOME}/details/{answer}"))
    assert "Received" in said
    assert "Call off" not in said


def test_a_failed_one_is_sent_again_by_managers_only(panel: PanelClient, vendor: int) -> None:
    number = made(vendor, status="failed", subject="Hi", body="Hello", failed_at=clock.now())
    panel.as_(staff(vendor))
    assert f"{HOME}/do/{number}/again" not in page(panel, f"{HOME}/details/{number}")
    assert panel.post(f"{HOME}/do/{number}/again").status_code == 403
    panel.as_(manager(vendor))
    assert f"{HOME}/do/{number}/again" in page(panel, f"{HOME}/details/{number}")
    assert panel.get(f"{HOME}/do/{number}/again").status_code == 405
    for _ in range(2):
        assert panel.post(f"{HOME}/do/{number}/again").status_code == 303
    assert now(vendor, number).status == "queued"
    with acting(vendor_actor(vendor)), begin() as session:
        promised = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
        ).all()
        assert [row.payload["message_id"] for row in promised] == [number]


def test_what_is_queued_is_called_off_and_what_was_sent_is_not(
    panel: PanelClient, vendor: int
) -> None:
    queued = made(vendor, subject="Hi", body="Hello")
    under_way = made(vendor, subject="Hi", body="Hello", status="sending")
    panel.as_(staff(vendor))
    for number in (queued, under_way):
        assert panel.post(f"{HOME}/do/{number}/call-off").status_code == 303
    assert (now(vendor, queued).status, now(vendor, queued).reason) == ("suppressed", "CalledOff")
    assert now(vendor, under_way).status == "sending"
    told = made(vendor, subject="Hi", body="Hello", status="sent", channel="in_app")
    assert panel.post(f"{HOME}/do/{told}/told").status_code == 303
    assert now(vendor, told).status == "delivered"


def test_others_see_nothing_of_it(panel: PanelClient, vendor: int) -> None:
    number = made(vendor, subject="A secret", body="Hello")
    panel.as_(manager(make.new_vendor()))
    page(panel, f"{HOME}/details/{number}", 404)
    assert panel.post(f"{HOME}/do/{number}/call-off").status_code == 404
    assert "A secret" not in page(panel, f"{HOME}/list")
    panel.as_(analyst())
    page(panel, f"{HOME}/list", 403)
    page(panel, f"{HOME}/details/{number}", 403)
    panel.as_(admin())
    assert "A secret" in page(panel, f"{HOME}/list?vendor={vendor}")
    assert now(vendor, number).status == "queued"
