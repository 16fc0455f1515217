"""`POST /api/v1/memberships`: a web shop signs a customer up once, however often it asks."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from app.database import begin
from app.operations import api_tokens
from app.tenancy import Actor, DatabaseRole, PanelRole, acting, vendor_actor
from app.transact import in_transaction
from models.customers import Customer
from models.memberships import Membership, MembershipPlan
from models.orders import Order
from models.payments import Payment
from tests import make
from tests.furnished import db, house
from tests.webclient import OWN, Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

PATH = "/api/v1/memberships"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


class Shop:
    """A web shop of the vendor alpha, with a token."""

    def __init__(self, app: Starlette, house: House) -> None:
        self.browser, self.vendor = Browser(app), house.vendors["alpha"]
        boss = Actor(
            DatabaseRole.VENDOR, self.vendor, house.users["manager@alpha.example"],
            PanelRole.MANAGER,
        )  # fmt: skip
        with acting(boss):
            secret = in_transaction(api_tokens.create, name="Web shop", days=None).secret
        self.headers = {"authorization": f"Bearer {secret}"}
        with acting(vendor_actor(self.vendor)), begin() as session:
            plan = make.plan(session, price=Decimal(30), trial_days=14)
            customer = make.customer(session)
            self.asked = {"customer_id": customer.id, "plan_id": plan.id, "gateway": "desk"}

    def post(self, key: Any = None, headers: Any = None, **body: Any) -> Any:
        sent = self.headers | ({"idempotency-key": str(key)} if key else {}) | (headers or {})
        return self.browser.post(PATH, json=self.asked | body, headers=sent)

    def count(self, model: Any) -> int:
        with acting(vendor_actor(self.vendor)), begin() as session:
            return session.scalar(select(func.count(model.id))) or 0


@pytest.fixture
def shop(app: Starlette, house: House) -> Shop:
    return Shop(app, house)


def test_a_sign_up_is_an_order_that_a_gateway_is_asked_for_once(shop: Shop) -> None:
    key = uuid4()
    first, again = shop.post(key), shop.post(key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    order = first.json()["order"]
    assert (order["status"], order["payment_status"], order["total"]) == (
        "placed", "unpaid", "30.00",
    )  # fmt: skip
    assert first.json()["membership"] is None
    assert (shop.count(Order), shop.count(Payment), shop.count(Membership)) == (1, 1, 0)
    other = shop.post(key, customer_id=shop.asked["customer_id"] + 1)
    assert (other.status_code, other.json()["code"]) == (409, "KeyUsed")


def test_a_trial_begins_at_once_and_is_no_second_one(shop: Shop) -> None:
    first, again = (shop.post(uuid4(), trial=True) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    told = first.json()
    assert (told["order"], told["membership"]["status"]) == (None, "trialing")
    with acting(vendor_actor(shop.vendor)), begin() as session:
        member = session.scalars(select(Membership)).one()
        assert (member.channel, member.gateway) == ("online", "desk")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"customer_id": 2**62}, 400, "customer_id"), ({"plan_id": 2**62}, 400, None),
        ({"plan_id": 2**64}, 400, "plan_id"), ({"plan_id": True}, 400, "plan_id"),
        ({"customer_id": "7"}, 400, "customer_id"), ({"customer_id": -1}, 400, "customer_id"),
        ({"gateway": "moneybags"}, 404, None), ({"gateway": None}, 400, "gateway"),
        ({"trial": 1}, 400, "trial"),
        ({"customer_id": 2**62, "trial": True}, 400, "customer_id"),
        ({"plan_id": 2**62, "trial": True}, 400, "plan_id"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_a_sentence_and_sells_nothing(
    shop: Shop, body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = shop.post(uuid4(), **body)
    assert answer.status_code == status
    told = answer.json()
    assert set(told) == {"code", "message", "details"}
    if field is not None:
        assert told["details"] == {"field": field}
    assert (shop.count(Order), shop.count(Membership)) == (0, 0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'"a"', b"[" * 90_000, b"NaN"])
def test_what_is_no_object_is_not_read(shop: Shop, content: bytes) -> None:
    headers = shop.headers | {"idempotency-key": str(uuid4())}
    answer = shop.browser.post(PATH, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "NotRead")


def test_without_token_key_or_vendor_nothing_is_sold(
    shop: Shop, app: Starlette, house: House
) -> None:
    assert shop.post(None).json()["code"] == "NoKey"
    assert shop.post("no uuid").json()["code"] == "NoKey"
    assert shop.post(uuid4(), {"authorization": ""}).status_code == 401
    browser = Browser(app).as_("manager@alpha.example")
    assert browser.post(PATH, json=shop.asked, headers=OWN).status_code == 401
    boss = Actor(
        DatabaseRole.ADMIN, None, house.users["admin@market.example"], PanelRole.ADMIN
    )  # fmt: skip
    with acting(boss):
        secret = in_transaction(api_tokens.create, name="All", days=None).secret
    everywhere = shop.post(uuid4(), {"authorization": f"Bearer {secret}"})
    assert (everywhere.status_code, everywhere.json()["code"]) == (400, "NoVendor")
    assert shop.count(Order) == 0


def test_other_vendors_customers_and_plans_are_not_here(shop: Shop, house: House) -> None:
    with acting(vendor_actor(house.vendors["beta"])), begin() as session:
        plan, customer = make.plan(session, trial_days=9), make.customer(session)
        ids = {"plan_id": plan.id, "customer_id": customer.id}
    for name, number in ids.items():
        for trial in (False, True):
            assert shop.post(uuid4(), trial=trial, **{name: number}).status_code in (400, 404)
    assert (shop.count(Order), shop.count(Membership)) == (0, 0)


def test_one_who_has_it_is_renewed_and_asked_for_it_once(shop: Shop) -> None:
    with acting(vendor_actor(shop.vendor)), begin() as session:
        make.membership(
            session, customer=session.get_one(Customer, shop.asked["customer_id"]),
            plan=session.get_one(MembershipPlan, shop.asked["plan_id"]),
        )  # fmt: skip
    told = shop.post(uuid4()).json()
    assert (told["order"]["status"], told["membership"]["status"]) == ("placed", "active")
    second = shop.post(uuid4())
    assert (second.status_code, second.json()["code"]) == (409, "RenewalStands")
    assert shop.post(uuid4(), trial=True).status_code == 409
