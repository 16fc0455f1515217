"""Call-backs about messages over HTTP: a signature opens, nothing else; twice is once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from app import clock
from app.database import begin
from app.gateways.call_backs import TWILIO_SIGNATURE, twilio_signed
from app.gateways.payments import SIGNATURE, signature
from app.operations import provider_events
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Consent
from models.messages import Message
from models.provider_events import ProviderEvent
from models.suppressions import Suppression
from tests import make
from tests.furnished import db, house
from tests.webclient import ORIGIN, OWN, Browser, House, application, email_of, settled

__all__ = ["db", "house"]  # fixtures

SECRET = "a secret of the provider's"
RELAY, TWILIO = "/api/v1/gateways/relay/messages", "/api/v1/gateways/twilio/messages"
PHONE = "+31612345678"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled(CALL_BACK_SECRET=SECRET):
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


def sent(vendor_id: int, *, status: str = "sent", channel: str = "email", **customer: Any) -> int:
    """A message to Ana that went out; its id."""
    known = {"email": "ana@example.com", "phone": PHONE} | customer
    with acting(vendor_actor(vendor_id)), begin() as session:
        ana = make.customer(session, **known)
        to = known["email"] if channel == "email" else known["phone"]
        return int(
            make.message(
                session, customer=ana, status=status, channel=channel, address=to, tries=1,
                sent_at=clock.now(),
            ).id
        )  # fmt: skip


def told(kind: object, about: object = "", **more: Any) -> tuple[bytes, dict[str, str]]:
    """A signed call-back of our own shape: body and headers."""
    event: dict[str, Any] = {"id": f"{about}-{kind}", "kind": kind, "at": clock.now().isoformat()}
    event |= {"about": about} if about else {}
    body = json.dumps(event | more).encode()
    return body, {SIGNATURE: signature(SECRET.encode(), body, clock.now())}


def reply(text: str, ref: str = "in-1", **more: Any) -> tuple[bytes, dict[str, str]]:
    return told("reply", id=ref, **{"channel": "sms", "from": PHONE, "text": text} | more)


def message(vendor_id: int, message_id: int) -> tuple[str, str | None]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        found = session.get_one(Message, message_id)
        return found.status, found.reason


def heard(vendor_id: int) -> list[tuple[str, str]]:
    """What customers of a vendor have written."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        rows = select(Message.channel, Message.body).where(Message.direction == "in")
        return [tuple(row) for row in session.execute(rows.order_by(Message.id))]


def left_alone(vendor_id: int) -> list[tuple[str, str, str | None]]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        rows = select(Suppression.channel, Suppression.reason, Suppression.purpose)
        return [tuple(row) for row in session.execute(rows.order_by(Suppression.id))]


def decided(vendor_id: int) -> list[tuple[str, str, bool]]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        rows = select(Consent.channel, Consent.purpose, Consent.granted)
        return [tuple(row) for row in session.execute(rows.order_by(Consent.id))]


def stored() -> list[tuple[str, str | None]]:
    with acting(SYSTEM), begin() as session:
        rows = select(ProviderEvent.kind, ProviderEvent.outcome).order_by(ProviderEvent.id)
        return [tuple(row) for row in session.execute(rows)]


def test_what_arrived_has_arrived_however_often_it_is_told(browser: Browser, alpha: int) -> None:
    number = sent(alpha)
    body, headers = told("delivered", f"message-{number}")
    for _ in range(3):
        answer = browser.post(RELAY, content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert message(alpha, number) == ("delivered", None)
    assert stored() == [("delivered", "counted")]


@pytest.mark.parametrize("kind", ["bounced", "blocked"])
def test_an_address_at_which_nothing_arrives_is_left_alone(
    browser: Browser, alpha: int, kind: str
) -> None:
    number = sent(alpha)
    body, headers = told(kind, f"message-{number}")
    browser.post(RELAY, content=body, headers=headers)
    status, reason = message(alpha, number)
    assert (status, reason) == (
        "failed", "NothingArrived" if kind == "bounced" else "AddressBlocked",
    )  # fmt: skip
    assert left_alone(alpha) == [("email", kind, None)]


def test_a_message_that_failed_may_have_arrived_after_all(browser: Browser, alpha: int) -> None:
    number = sent(alpha)
    for kind in ("bounced", "delivered", "blocked"):
        body, headers = told(kind, f"message-{number}")
        assert browser.post(RELAY, content=body, headers=headers).status_code == 200
    assert message(alpha, number) == ("delivered", None)


def test_before_our_own_word_is_as_good_as_after(browser: Browser, alpha: int) -> None:
    for status in ("sending", "queued"):  # the second is to be tried again, and need not be
        number = sent(alpha, status=status)
        body, headers = told("delivered", f"message-{number}")
        browser.post(RELAY, content=body, headers=headers)
        assert message(alpha, number) == ("delivered", None)


def test_a_complaint_stops_offers_and_reminders(browser: Browser, alpha: int) -> None:
    number = sent(alpha)
    body, headers = told("complained", f"message-{number}")
    browser.post(RELAY, content=body, headers=headers)
    assert message(alpha, number) == ("sent", None)
    assert decided(alpha) == [("email", "marketing", False), ("email", "reminder", False)]


def test_what_is_not_ours_changes_nothing(browser: Browser, alpha: int) -> None:
    with acting(vendor_actor(alpha)), begin() as session:
        never = make.message(session, status="suppressed").id
        came = make.message(session, status="delivered", direction="in", tries=1).id
    names = (f"message-{never}", f"message-{came}", "message-999999999", "message-" + "9" * 30,
             "message-x", "nothing")  # fmt: skip
    for about in names:
        body, headers = told("bounced", about)
        assert browser.post(RELAY, content=body, headers=headers).status_code == 200, about
    assert message(alpha, never)[0] == "suppressed"
    assert left_alone(alpha) == []
    assert [outcome for _, outcome in stored()] == [provider_events.NEVER_SENT] + [
        provider_events.NOT_OURS
    ] * 5


def test_a_wrong_signature_changes_nothing(browser: Browser, alpha: int) -> None:
    number = sent(alpha)
    body, good = told("bounced", f"message-{number}")
    late = clock.now() - timedelta(minutes=6)
    wrong = [
        "", "x", "é", "t=1,v1=" + "0" * 64, good[SIGNATURE] + "0", good[SIGNATURE].upper(),
        signature(b"", body, clock.now()), signature(SECRET.encode(), body + b" ", clock.now()),
        signature(SECRET.encode(), body, late),
    ]  # fmt: skip
    for given in wrong:
        answer = browser.post(RELAY, content=body, headers={SIGNATURE: given.encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (401, "WrongSignature"), given
    assert browser.post(RELAY, content=body).status_code == 401
    with settled(CALL_BACK_SECRET=""):
        unset = browser.post(RELAY, content=body, headers=good)
    assert (unset.status_code, unset.json()["code"]) == (503, "NoSecret")
    assert (message(alpha, number)[0], stored(), left_alone(alpha)) == ("sent", [], [])


def test_a_person_who_is_signed_in_lends_it_nothing(
    app: Starlette, house: House, alpha: int
) -> None:
    body, headers = told("bounced", f"message-{sent(alpha)}")
    admin = Browser(app).as_(email_of("admin"))
    assert admin.post(RELAY, content=body, headers=OWN).status_code == 401
    cross = headers | {"sec-fetch-site": "cross-site", "origin": "https://provider.example"}
    assert admin.post(RELAY, content=body, headers=cross).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "opened"}, {"kind": None}, {"id": ""}, {"id": "x" * 201}, {"id": 7},
        {"id": "\ud800"}, {"about": "a b"}, {"about": ["message-1"]}, {"at": "yesterday"},
        {"at": "2026-11-20T12:00:00"}, {"at": 7}, {"kind": "reply"},
        {"kind": "reply", "channel": "push", "from": PHONE, "text": "x"},
        {"kind": "reply", "channel": "sms", "from": "a b", "text": "x"},
        {"kind": "reply", "channel": "sms", "from": PHONE, "text": None},
        {"kind": "reply", "channel": "sms", "from": PHONE, "text": "x" * 10_001},
    ],
)  # fmt: skip
def test_what_is_signed_and_makes_no_sense_is_refused(
    browser: Browser, alpha: int, change: dict[str, object]
) -> None:
    asked = {"kind": "bounced", "about": f"message-{sent(alpha)}"} | change
    body, headers = told(**asked)
    answer = browser.post(RELAY, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "NotUnderstood")
    assert (stored(), left_alone(alpha)) == ([], [])


def test_bodies_that_are_none(browser: Browser, alpha: int) -> None:
    for body in (b"", b"[]", b"{", b"\xff\xfe", b"[" * 50_000, b'{"id": NaN}'):
        headers = {SIGNATURE: signature(SECRET.encode(), body, clock.now())}
        assert browser.post(RELAY, content=body, headers=headers).status_code == 400, body[:9]
    nul, headers = reply("a\0b")
    assert browser.post(RELAY, content=nul, headers=headers).status_code == 400
    long = browser.post(RELAY, content=b"x" * 100_001)
    assert (long.status_code, long.json()["code"]) == (400, "TooLong")
    body, headers = told("delivered", "message-1")
    way = RELAY.replace("relay", "nothing")
    assert browser.post(way, content=body, headers=headers).status_code == 404
    assert browser.get(RELAY).status_code == 405
    assert stored() == []


# --- what comes in ------------------------------------------------------------------------------


def test_an_answer_stands_in_the_conversation_it_belongs_to(
    browser: Browser, house: House, alpha: int
) -> None:
    beta = house.vendors["beta"]
    sent(beta, channel="sms")
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        sent(alpha, channel="sms")
    body, headers = reply("See you then 👋\n\u202eAna")
    for _ in range(2):
        assert browser.post(RELAY, content=body, headers=headers).status_code == 200
    assert heard(alpha) == [("sms", "See you then 👋\nAna")]
    assert heard(beta) == []
    with acting(SYSTEM), begin() as session:
        kept = session.scalars(select(ProviderEvent)).one()
        assert set(kept.body) == {"channel", "at"}  # words and number stand there, and only there


def test_an_answer_by_mail_and_to_the_only_one_who_knows_them(browser: Browser, alpha: int) -> None:
    with acting(vendor_actor(alpha)), begin() as session:
        make.customer(session, email="ana@example.com")
    body, headers = reply("  ", channel="email", **{"from": "ANA@Example.com"})
    browser.post(RELAY, content=body, headers=headers)
    assert heard(alpha) == [("email", "(no text)")]


def test_who_is_unknown_is_nobodys(browser: Browser, house: House, alpha: int) -> None:
    body, headers = reply("Hello")
    browser.post(RELAY, content=body, headers=headers)
    for vendor_id in (alpha, house.vendors["beta"]):
        with acting(vendor_actor(vendor_id)), begin() as session:
            make.customer(session, phone=PHONE)
    body, headers = reply("Hello", "in-2")
    browser.post(RELAY, content=body, headers=headers)
    assert [outcome for _, outcome in stored()] == [
        provider_events.UNKNOWN, provider_events.NOBODYS,
    ]  # fmt: skip
    assert heard(alpha) == heard(house.vendors["beta"]) == []


def test_stop_is_said_to_the_number_which_is_all_vendors_number(
    browser: Browser, house: House, alpha: int
) -> None:
    beta = house.vendors["beta"]
    sent(alpha, channel="sms")
    with acting(vendor_actor(beta)), begin() as session:
        make.customer(session, phone="+31201234567", phone_2=PHONE)
    body, headers = reply("Stop!")
    for _ in range(2):
        browser.post(RELAY, content=body, headers=headers)
    stop = [("sms", "marketing", False), ("sms", "reminder", False)]
    assert decided(alpha) == decided(beta) == stop
    assert len(left_alone(beta)) == 4  # both of its numbers, for both purposes
    assert heard(alpha) == [("sms", "Stop!")]
    body, headers = reply("START", "in-2")
    browser.post(RELAY, content=body, headers=headers)
    assert decided(alpha) == [*stop, ("sms", "reminder", True)]  # offers were never agreed to


def test_twilio_brings_answers(browser: Browser, alpha: int) -> None:
    sent(alpha, channel="sms")
    form = {"MessageSid": "SM1", "From": PHONE, "To": "+4930123456", "Body": "OPT OUT", "X": ""}
    fields = list(form.items())
    good = twilio_signed(SECRET.encode(), ORIGIN + TWILIO, fields)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for given in ("", "x", "\u00e9", twilio_signed(b"other", ORIGIN + TWILIO, fields),
                  twilio_signed(SECRET.encode(), ORIGIN + RELAY, fields)):  # fmt: skip
        headers = {**kind, TWILIO_SIGNATURE: given.encode("latin-1")}
        answer = browser.post(TWILIO, content=urlencode(form), headers=headers)
        assert answer.status_code == 401, given
    for _ in range(2):
        headers = {**kind, TWILIO_SIGNATURE: good}
        answer = browser.post(TWILIO, content=urlencode(form), headers=headers)
        assert (answer.status_code, answer.text) == (200, "<Response/>")
        assert answer.headers["content-type"].startswith("text/xml")
    assert heard(alpha) == [("sms", "OPT OUT")]
    assert decided(alpha)[0] == ("sms", "marketing", False)
    for broken in (b"", b"a", b"Body=%ff", b"&" * 200):
        assert browser.post(TWILIO, content=broken, headers=kind).status_code in (400, 401)


def test_twilio_signs_as_its_documentation_has_it() -> None:
    """The example of its page on the security of web hooks."""
    form = [
        ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+12349013030"),
        ("To", "+18005551212"), ("Caller", "+12349013030"),
    ]  # fmt: skip
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signed(b"12345", address, form) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_what_could_not_be_applied_is_promised(
    browser: Browser, alpha: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks import provider_events as tasks

    number = sent(alpha)
    body, headers = told("delivered", f"message-{number}")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(provider_events, "apply", broken)
        assert browser.post(RELAY, content=body, headers=headers).status_code == 200
    assert message(alpha, number)[0] == "sent"
    with acting(SYSTEM):
        with begin() as session:
            event_id = session.scalars(select(ProviderEvent.id)).one()
        tasks.apply.apply(kwargs={"event_id": event_id}, throw=True)
        tasks.clear.apply(throw=True)
        with clock.stopped_at(clock.now() + timedelta(days=31)):
            tasks.clear.apply(throw=True)
        with begin() as session:
            assert session.scalar(select(func.count(ProviderEvent.id))) == 0
    assert message(alpha, number)[0] == "delivered"
