"""The call-back of a gateway over HTTP: its signature opens, nothing else; twice is once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from app import clock
from app.database import begin
from app.gateways.payments import SIGNATURE, desk, secret_of, signature
from app.operations import payments
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.payments import EventKind, GatewayEvent, Payment
from tests import make
from tests.furnished import db, house
from tests.provider import Provider, call_back, provided
from tests.webclient import OWN, Browser, House, application, email_of, settled

__all__ = ["db", "house"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


@pytest.fixture
def alpha(house: House) -> int:
    return house.vendors["alpha"]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, alpha: int) -> Iterator[Provider]:
    with provided(monkeypatch, alpha) as found:
        yield found


def asked(vendor_id: int, gateway: str = "provider") -> str:
    """A payment of 30.00 that the gateway is asked for; its name."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = make.order(session, lines=3)
        return f"payment-{payments.ask(session, order_id=order.id, gateway=gateway).id}"


def address(vendor_id: int | str, gateway: str = "provider") -> str:
    return f"/api/v1/gateways/{gateway}/{vendor_id}/events"


def paid(vendor_id: int) -> list[tuple[str, str]]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        rows = session.execute(
            select(Payment.status, Order.paid).join(Order, Order.id == Payment.order_id)
        )
        return [(status, str(amount)) for status, amount in rows]


def stored(vendor_id: int) -> int:
    with acting(vendor_actor(vendor_id)), begin() as session:
        return len(session.scalars(select(GatewayEvent.id)).all())


def test_a_signed_event_counts_once_however_often_it_is_sent(
    app: Starlette, alpha: int, provider: Provider
) -> None:
    body, headers = call_back(alpha, about=asked(alpha))
    for _ in range(3):
        answer = Browser(app).post(address(alpha), content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert answer.headers["cache-control"] == "no-store"
    assert (paid(alpha), stored(alpha)) == ([("captured", "30.00")], 1)


def test_a_wrong_signature_changes_nothing(
    app: Starlette, house: House, alpha: int, provider: Provider
) -> None:
    body, good = call_back(alpha, about=asked(alpha))
    of_another = secret_of("provider", house.vendors["beta"])
    late = clock.now() - timedelta(minutes=6)
    mine = secret_of("provider", alpha)
    wrong = [
        "", "x", "t=1,v1=" + "0" * 64, good[SIGNATURE] + "0", good[SIGNATURE].upper(),
        signature(of_another, body, clock.now()), signature(b"", body, clock.now()),
        signature(secret_of("desk", alpha), body, clock.now()),
        signature(mine, body + b" ", clock.now()), signature(mine, body, late),
        signature(mine, body, clock.now() + timedelta(minutes=6)),
        good[SIGNATURE].replace("t=", "t=9"),
    ]  # fmt: skip
    for given in wrong:
        answer = Browser(app).post(address(alpha), content=body, headers={SIGNATURE: given})
        assert answer.status_code == 401, given
        assert answer.json()["code"] == "WrongSignature"
    assert Browser(app).post(address(alpha), content=body).status_code == 401
    other = Browser(app).post(address(house.vendors["beta"]), content=body, headers=good)
    assert other.status_code == 401
    assert (paid(alpha), stored(alpha)) == ([("pending", "0.00")], 0)


def test_a_person_who_is_signed_in_lends_it_nothing(
    app: Starlette, alpha: int, provider: Provider
) -> None:
    body, headers = call_back(alpha, about=asked(alpha))
    manager = Browser(app).as_(email_of("manager"))
    assert manager.post(address(alpha), content=body, headers=OWN).status_code == 401
    cross = headers | {"sec-fetch-site": "cross-site", "origin": "https://provider.example"}
    assert manager.post(address(alpha), content=body, headers=cross).status_code == 200
    assert (
        manager.post("/admin/logout", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    )


def test_before_our_own_answer_is_as_good_as_after(
    app: Starlette, alpha: int, provider: Provider
) -> None:
    """The provider calls back while we still wait for what it answers."""
    from tasks import payments as tasks

    name = asked(alpha)
    body, headers = call_back(alpha, about=name)
    assert Browser(app).post(address(alpha), content=body, headers=headers).status_code == 200
    provider.says["authorise"] = EventKind.PAYMENT_AUTHORISED
    number = int(name.removeprefix("payment-"))
    with acting(vendor_actor(alpha)):
        told = provider.authorise(about=name, amount=Decimal("30.00"), currency="EUR", words="x")
        tasks._heard("provider", told)
        tasks.authorise.apply(kwargs={"payment_id": number})
        tasks.capture.apply(kwargs={"payment_id": number})
    assert provider.calls == [f"authorise {name}"]  # nothing is asked for that is there
    assert (paid(alpha), stored(alpha)) == ([("captured", "30.00")], 2)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "payment.stolen"}, {"kind": None}, {"id": ""}, {"id": "x" * 201}, {"id": 7},
        {"id": "\ud800"}, {"about": "a b"}, {"about": "é"}, {"about": ["payment-1"]}, {"ref": None},
        {"amount": "NaN"}, {"amount": "-1"}, {"amount": 30.0}, {"amount": "1e9"},
        {"amount": "10000000000.00"}, {"amount": "1.001"}, {"currency": "euro"},
        {"at": "yesterday"}, {"at": "2026-11-20T12:00:00"}, {"at": 7}, {"at": "0001-01-01T00:00Z"},
    ],
)  # fmt: skip
def test_what_is_signed_and_makes_no_sense_is_refused(
    app: Starlette, alpha: int, provider: Provider, change: dict[str, object]
) -> None:
    body, _ = call_back(alpha, about=asked(alpha))
    changed = json.dumps(json.loads(body) | change).encode()
    headers = {SIGNATURE: signature(secret_of("provider", alpha), changed, clock.now())}
    answer = Browser(app).post(address(alpha), content=changed, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "NotUnderstood")
    assert (paid(alpha), stored(alpha)) == ([("pending", "0.00")], 0)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 50_000, b"9" * 10_000, b'{"id": NaN}'],
)  # fmt: skip
def test_a_body_that_is_no_event_is_refused(
    app: Starlette, alpha: int, provider: Provider, body: bytes
) -> None:
    headers = {SIGNATURE: signature(secret_of("provider", alpha), body, clock.now())}
    answer = Browser(app).post(address(alpha), content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "NotUnderstood")


def test_what_leads_nowhere_and_what_is_too_long(
    app: Starlette, alpha: int, provider: Provider
) -> None:
    body, headers = call_back(alpha)
    browser = Browser(app)
    for way in (address(alpha, "nothing"), address(2**63), address("9" * 40), address(-1)):
        assert browser.post(way, content=body, headers=headers).status_code == 404, way
    assert browser.get(address(alpha)).status_code == 405
    long = browser.post(address(alpha), content=b"x" * 100_001, headers=headers)
    assert (long.status_code, long.json()["code"]) == (400, "TooLong")
    nobody, signed = call_back(2**62)
    answer = browser.post(address(2**62), content=nobody, headers=signed)
    assert answer.status_code == 400  # signed, for a vendor that never was
    assert stored(alpha) == 0


def test_the_desk_says_itself_that_money_came(app: Starlette, alpha: int) -> None:
    name = asked(alpha, "desk")
    body, headers = desk(alpha).said(
        EventKind.PAYMENT_CAPTURED, about=name, amount=Decimal("30.00"), currency="EUR"
    )
    answer = Browser(app).post(address(alpha, "desk"), content=body, headers=headers)
    assert answer.status_code == 200
    assert paid(alpha) == [("captured", "30.00")]
