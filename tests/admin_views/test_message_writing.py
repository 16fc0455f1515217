"""Writing to a customer: by what is allowed, said before it is sent, and sent once."""

from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of

NEW = "/admin/message/create"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def mails(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    monkeypatch.setenv("SMTP_URL", f"file://{tmp_path}")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def vendor(panel: PanelClient, db: Connection) -> Iterator[int]:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(staff(vendor))
    with clock.stopped_at(make.NOON):
        yield vendor


def customer(vendor: int, **fields: Any) -> int:
    values = {"full_name": "Ana Alves", "email": "ana@example.com"} | fields
    with acting(vendor_actor(vendor)), begin() as session:
        return int(make.customer(session, **values).id)


def every(vendor: int, model: Any = Message) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def typed(customer_id: int | str, **changed: str) -> dict[str, str]:
    return {
        "customer": str(customer_id), "channel": "email", "purpose": "transactional",
        "template": "", "subject": "Your scarf", "body": "Hello {{first_name}}, it is here.",
        "key": "k1",
    } | changed  # fmt: skip


def sent(panel: PanelClient, data: dict[str, str], status: int = 303) -> str:
    answer = panel.post(NEW, data=data)
    assert answer.status_code == status, text_of(answer.text)[-800:]
    assert leaks(answer.text) is None
    return answer.text


def test_one_message_however_often_it_is_pressed(panel: PanelClient, vendor: int) -> None:
    ana = customer(vendor)
    for _ in range(3):
        sent(panel, typed(ana))
    (message,) = every(vendor)
    assert (message.status, message.subject) == ("queued", "Your scarf")
    assert message.body == "Hello Ana, it is here."
    assert len(every(vendor, OutboxMessage)) == 1
    sent(panel, typed(ana, key="k2"))
    assert len(every(vendor)) == 2
    page = panel.get(f"/admin/customer/details/{ana}?tab=messages").text
    assert page.count("Your scarf") == 2
    assert "was pressed twice" in page


def test_it_is_said_before_why_a_way_is_closed(panel: PanelClient, vendor: int) -> None:
    ana = customer(vendor, email=None, full_name=HOSTILE)
    page = panel.get(f"{NEW}?customer={ana}").text
    assert "No address of the customer is known for this channel." in page
    assert HOSTILE not in page
    html = sent(panel, typed(ana), 400)
    assert "No address of the customer is known" in html
    assert "Hello {{first_name}}, it is here." in html
    bob = customer(vendor)
    html = sent(panel, typed(bob, purpose="marketing"), 400)
    assert "The customer does not want messages of this kind." in html
    html = sent(panel, typed(bob, channel="in_app", purpose="marketing"), 400)
    assert "Offers are not told in person" in html
    carol = customer(vendor, phone="+351912345678")
    assert "Nobody brings messages this way yet" in sent(panel, typed(carol, channel="sms"), 400)
    assert every(vendor) == []


def test_quiet_hours_put_it_off_and_say_so(panel: PanelClient, vendor: int) -> None:
    ana = customer(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        known = session.get_one(Customer, ana)
        make.preference(session, customer=known, quiet_from=time(11), quiet_until=time(18, 30))
    page = panel.get(f"{NEW}?customer={ana}").text
    assert "Goes out at 20 Nov, 18:30, after their quiet hours" in page
    sent(panel, typed(ana, purpose="reminder"))
    (message,) = every(vendor)
    assert (message.send_at - make.NOON).total_seconds() == 6.5 * 3600
    assert "It goes out at 20 Nov, 18:30" in panel.get("/admin/message/list").text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"body": "Hi {{ frist_name }}"}, "no field {{frist_name}}"),
        ({"body": ""}, "write what it says"),
        ({"body": "x" * 100_000}, "This is too long"),
        ({"subject": ""}, "This message has no subject"),
        ({"subject": "{{coupon"}, "write it like {{first_name}}"),
        ({"channel": "pigeon\x00"}, "Choose how it is sent"),
        ({"channel": "phone"}, "Choose how it is sent"),
        ({"purpose": "fun"}, "Choose what it is about"),
        ({"template": "abc"}, "This template is not used any more"),
        ({"template": "999999999"}, "This template is not used any more"),
    ],
)
def test_a_refusal_lands_at_its_field_and_nothing_typed_is_lost(
    panel: PanelClient, vendor: int, changed: dict[str, str], sentence: str
) -> None:
    ana = customer(vendor)
    data = typed(ana, subject="Kept subject") | changed
    html = sent(panel, data, 400)
    assert sentence in text_of(html)
    assert data["subject"] in html
    assert data["body"] in html
    assert every(vendor) == []


def test_a_template_is_written_when_it_is_sent(panel: PanelClient, vendor: int) -> None:
    ana = customer(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        news = make.message_template(session, name="News", subject="N", body="Hi {{first_name}}")
        text = make.message_template(session, name="Short", channel="sms", subject=None)
        told = make.message_template(session, name="Told", event="booking_confirmed")
        ids = [news.id, text.id, told.id]
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        foreign = make.message_template(session, name="Foreign").id
    page = panel.get(f"{NEW}?customer={ana}").text
    assert "News (E-mail)" in page
    assert "Foreign" not in page
    assert "Told" not in page
    assert "another channel" in sent(panel, typed(ana, template=str(ids[1])), 400)
    for wrong in (ids[2], foreign):
        assert "not used any more" in sent(panel, typed(ana, template=str(wrong)), 400)
    sent(panel, typed(ana, template=str(ids[0]), subject="", body=""))
    (message,) = every(vendor)
    assert (message.template_id, message.body, message.status) == (ids[0], None, "queued")
    seen = panel.post(
        "/admin/message-template/preview", data={"customer": str(ana), "template": str(ids[0])}
    ).json()
    assert seen["body"] == "Hi Ana"


def test_whose_customer_it_is_and_who_may(panel: PanelClient, vendor: int) -> None:
    ana, theirs = customer(vendor), customer(make.new_vendor())
    for wrong in (str(theirs), "999999999"):
        sent(panel, typed(wrong), 404)
        assert panel.get(f"{NEW}?customer={wrong}").status_code == 404
    assert "Choose whom you write to" in sent(panel, typed(""), 400)
    gone = customer(vendor, anonymised_at=clock.now())
    sent(panel, typed(gone), 404)
    panel.as_(analyst())
    assert panel.get(f"{NEW}?customer={ana}").status_code == 403
    assert panel.post(NEW, data=typed(ana)).status_code == 403
    panel.as_(manager(make.new_vendor()))
    sent(panel, typed(ana), 404)
    assert every(vendor) == []
    panel.as_(admin())
    sent(panel, typed(ana))
    (message,) = every(vendor)
    assert message.vendor_id == vendor
