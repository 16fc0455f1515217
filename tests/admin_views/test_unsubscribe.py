"""Unsubscribing without signing in: one press, nothing by looking, and only with a link of ours."""

import html
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from app import clock
from app.database import begin
from app.operations import contacting, customers, forgetting, merging, messages, stop_links
from app.operations.stop_links import Named
from app.tenancy import acting, vendor_actor
from models.customers import Consent, Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.suppressions import Suppression
from tests import make
from tests.furnished import db, house
from tests.webclient import ORIGIN, OWN, Browser, House, application, email_of, settled

__all__ = ["db", "house"]  # fixtures

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ELSEWHERE = {"sec-fetch-site": "cross-site", "origin": "https://mail.example"}


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


@pytest.fixture
def browser(app: Starlette) -> Browser:
    return Browser(app)


@pytest.fixture
def alpha(house: House) -> int:
    return house.vendors["alpha"]


def ana(vendor_id: int, **fields: Any) -> int:
    """A customer who has agreed to offers by e-mail and SMS."""
    values = {"email": "ana@example.com", "phone": "+31612345678"} | fields
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session, **values)
        for channel in ("email", "sms"):
            make.consent(
                session, customer=customer, channel=channel, purpose="marketing", granted=True,
                source="counter",
            )  # fmt: skip
        return int(customer.id)


def link(
    vendor_id: int, customer_id: int, channel: str = "email", purpose: str = "marketing"
) -> str:
    made = stop_links.link(Named(vendor_id, customer_id, channel, purpose))
    assert made.startswith(ORIGIN + "/unsubscribe/")
    return made.removeprefix(ORIGIN)


def said(vendor_id: int, customer_id: int) -> list[tuple[str, str, bool, str]]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        query = select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id)
        return [(c.channel, c.purpose, c.granted, c.source) for c in session.scalars(query)][2:]


def left_alone(vendor_id: int) -> list[tuple[str, str | None, bool]]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        query = select(Suppression).order_by(Suppression.id)
        return [(s.channel, s.purpose, s.lifted_at is None) for s in session.scalars(query)]


def why_not(vendor_id: int, customer_id: int, purpose: str, channel: str = "email") -> str | None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = session.get_one(Customer, customer_id)
        message = make.message(session, customer=customer, purpose=purpose, channel=channel)
        session.refresh(message, ["customer"])
        why = contacting.may_send(session, message)
        return why and why.code


STOPPED = [("email", "marketing", False, "unsubscribe link")]


def test_looking_changes_nothing(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    for method in ("GET", "HEAD", "GET"):
        page = browser.request(method, link(alpha, number))
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
    assert "Stop offers by e-mail?" in page.text
    assert "a•••@example.com" in page.text
    assert "ana@example.com" not in page.text
    assert "receipts, and reminders" in page.text
    assert (said(alpha, number), left_alone(alpha)) == ([], [])


def test_one_press_stops_it_and_nothing_else(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    for _ in range(2):
        page = browser.post(link(alpha, number), data={"do": "stop"}, headers=OWN)
        assert page.status_code == 200
        assert "You get no offers by e-mail" in page.text
    assert said(alpha, number) == STOPPED
    assert left_alone(alpha) == [("email", "marketing", True)]
    assert why_not(alpha, number, "marketing") == "LeftAlone"
    assert why_not(alpha, number, "marketing", "sms") is None
    assert why_not(alpha, number, "reminder") is None
    assert why_not(alpha, number, "transactional") is None


@pytest.mark.parametrize("multipart", [False, True])
def test_a_mail_program_stops_it_with_one_post(app: Starlette, alpha: int, multipart: bool) -> None:
    """As RFC 8058 has it: no cookie, from anywhere, no redirect."""
    number = ana(alpha)
    body: dict[str, Any] = {"data": ONE_CLICK}
    if multipart:
        body = {"files": {"List-Unsubscribe": (None, "One-Click")}}
    answer = Browser(app).post(link(alpha, number), headers=ELSEWHERE, **body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert said(alpha, number) == STOPPED


def test_it_can_be_stopped_in_every_way_and_taken_back(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    way = link(alpha, number)
    page = browser.post(way, data={"do": "everywhere"}, headers=OWN)
    assert "You get no offers any more" in page.text
    assert [one[0] for one in said(alpha, number)] == ["email", "sms", "push"]
    assert why_not(alpha, number, "marketing", "sms") == "LeftAlone"
    back = html.unescape(page.text).split('name="do" value="back')[1].split('"')[0]
    assert "Stop offers by e-mail?" in browser.post(way, data={"do": "back" + back}).text
    assert [one[:3] for one in said(alpha, number)[3:]] == [
        ("email", "marketing", True), ("sms", "marketing", True),
    ]  # fmt: skip
    assert why_not(alpha, number, "marketing") is None
    assert why_not(alpha, number, "marketing", "push") == "NoAddress"
    browser.post(way, data={"do": "back"})  # there is nothing more to take back
    assert len(said(alpha, number)) == 5


def test_taking_back_grants_nothing_that_was_not_agreed_to(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    with acting(vendor_actor(alpha)), begin() as session:
        make.consent(
            session, customer=session.get_one(Customer, number), channel="email",
            purpose="marketing", granted=False, source="counter",
        )  # fmt: skip
    for do in ("back", "back_everywhere", "grant", "x" * 1000):
        assert browser.post(link(alpha, number), data={"do": do}).status_code == 200
    assert said(alpha, number) == [("email", "marketing", False, "counter")]


def test_reminders_can_be_stopped_too(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    way = link(alpha, number, "sms", "reminder")
    assert "Stop reminders by text message?" in browser.get(way).text
    assert "•••678" in browser.get(way).text
    browser.post(way, data=ONE_CLICK)
    assert why_not(alpha, number, "reminder", "sms") == "LeftAlone"
    assert why_not(alpha, number, "transactional", "sms") is None


def forged(house: House, number: int) -> list[str]:
    """Links that we have not made, out of one that we have."""
    alpha, beta = house.vendors["alpha"], house.vendors["beta"]
    own = link(alpha, number).removeprefix("/unsubscribe/")
    v, c, channel, purpose, signed = own.split(".")
    parts = [
        (beta, c, channel, purpose), (v, number + 1, channel, purpose), (v, c, "sms", purpose),
        (v, c, channel, "reminder"), (v, c, channel, "transactional"),
        (v, "0" + c, channel, purpose), (v, c, "EMAIL", purpose),
        (9 * 10**18, c, channel, purpose), (v, -1, channel, purpose),
    ]  # fmt: skip
    made = [".".join(str(p) for p in (*one, signed)) for one in parts]
    turned = [
        own[:-1] + ("A" if own[-1] != "A" else "B"),
        own + "A",
        own[:-1],
        own + "=",
        " " + own,
    ]
    return [*made, *turned, own.upper(), own.replace(".", "-"), signed, "x" * 5000, "1.1.email.m."]


def test_a_link_that_we_have_not_made_stops_nothing(
    browser: Browser, house: House, alpha: int
) -> None:
    number = ana(alpha)
    for token in forged(house, number):
        for method in ("GET", "POST"):
            answer = browser.request(method, "/unsubscribe/" + token, headers=ELSEWHERE)
            assert answer.status_code == 404, token
            assert "This link is not whole" in answer.text, token
    for token in ("%00", "a%2Fb", ""):
        assert browser.post("/unsubscribe/" + token).status_code in (404, 405), token
    with settled(SECRET_KEY="another secret of thirty-two letters"):
        theirs = link(alpha, number)
    assert browser.post(theirs).status_code == 404
    nul = browser.post(link(alpha, number), content=b"do=stop%00")
    assert nul.status_code == 400
    huge = browser.post(link(alpha, number), content=b"do=" + b"x" * 2_100_000)
    assert huge.status_code == 413
    assert (said(alpha, number), left_alone(alpha)) == ([], [])


def test_nobody_signed_in_is_needed_or_lends_anything(
    app: Starlette, house: House, alpha: int
) -> None:
    number = ana(house.vendors["beta"])
    manager = Browser(app).as_(email_of("manager"))  # of alpha
    assert manager.post(link(house.vendors["beta"], number)).status_code == 200
    assert said(house.vendors["beta"], number) == STOPPED


def test_it_holds_for_years_and_for_whoever_the_file_became(browser: Browser, alpha: int) -> None:
    number, other = ana(alpha), ana(alpha, email="a.alves@example.com")
    way = link(alpha, number)
    with acting(vendor_actor(alpha)), begin() as session:
        merging.merge(session, survivor_id=other, merged_id=number)
        customers.archive(session, customer_id=other)
    with clock.stopped_at(clock.now() + timedelta(days=4000)):
        assert browser.post(way).status_code == 200
        assert why_not(alpha, other, "marketing") == "LeftAlone"


def test_of_who_is_forgotten_nothing_is_told(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    with acting(vendor_actor(alpha)), begin() as session:
        forgetting.forget(session, customer_id=number)
    for method in ("GET", "POST"):
        page = browser.request(method, link(alpha, number))
        assert "You get no offers by e-mail" in page.text
        assert "•••" not in page.text
    assert said(alpha, number) == []


def test_what_was_promised_before_is_held_back(browser: Browser, alpha: int) -> None:
    number = ana(alpha)
    with settled(SMTP_URL="file:///tmp", MAIL_FROM="a@b.example", QUIET_HOURS="none"):
        with acting(vendor_actor(alpha)), begin() as session:
            told = messages.compose(
                session, customer_id=number, purpose="marketing", channel="email",
                words={"subject": "Hello", "body": "Come back"},
            )  # fmt: skip
            assert told is not None
            message_id = told.id
        browser.post(link(alpha, number), data=ONE_CLICK)
        with acting(vendor_actor(alpha)), begin() as session:
            (row,) = session.scalars(
                select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
            )
            assert messages.claim(session, deliveries={row.id: message_id}) == []
            assert session.get_one(Message, message_id).reason == "LeftAlone"
