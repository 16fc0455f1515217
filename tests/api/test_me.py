"""`GET /api/v1/me`: a token proves who a program is, and nothing else does."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from app.operations import api_tokens
from app.tenancy import Actor, DatabaseRole, PanelRole, acting
from app.transact import in_transaction
from tests.furnished import db, house
from tests.webclient import OWN, Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

ME = "/api/v1/me"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


def secret_of(house: House) -> str:
    boss = Actor(
        DatabaseRole.VENDOR, house.vendors["alpha"], house.users["manager@alpha.example"],
        PanelRole.MANAGER,
    )  # fmt: skip
    with acting(boss):
        return in_transaction(api_tokens.create, name="Web shop", days=None).secret


def test_a_program_is_told_who_it_is(app: Starlette, house: House) -> None:
    secret = secret_of(house)
    for scheme in ("Bearer", "bearer"):
        answer = Browser(app).get(ME, headers={"authorization": f"{scheme} {secret}"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["role"] == "manager"
        assert told["vendor"]["id"] == house.vendors["alpha"]
        assert told["user"]["email"] == "manager@alpha.example"
        assert told["token"] == {"name": "Web shop", "expires_at": None}
        assert secret not in answer.text


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "NoToken"), ("", "NoToken"), ("Bearer", "NoToken"), ("Bearer  ", "NoToken"),
     ("Basic YTpi", "NoToken"), ("Bearer nonsense", "TokenRefused"),
     ("Bearer br_" + "a" * 43, "TokenRefused"), ("Bearer " + "x" * 5000, "TokenRefused"),
     (b"Bearer br_\xff\xfe", "TokenRefused")],
)  # fmt: skip
def test_anything_else_is_a_401_in_json(
    app: Starlette, house: House, header: str | bytes | None, code: str
) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = Browser(app).get(ME, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == code
    assert answer.json()["message"].count(".") <= 1 or "…" in answer.json()["message"]


def test_two_tokens_at_once_are_none(app: Starlette, house: House) -> None:
    pair = [("authorization", f"Bearer {secret_of(house)}"), ("authorization", "Bearer x")]
    assert Browser(app).get(ME, headers=pair).status_code == 401


def test_a_browsers_session_is_no_token(app: Starlette, house: House) -> None:
    browser = Browser(app).as_("manager@alpha.example")
    assert browser.get(ME).status_code == 401


def test_a_token_opens_no_page_of_the_panel(app: Starlette, house: House) -> None:
    headers = {"authorization": f"Bearer {secret_of(house)}", **OWN}
    browser = Browser(app)
    assert browser.get("/admin/customer/list", headers=headers).status_code == 303
    assert browser.post("/admin/users/invite", headers=headers).status_code in (303, 401)
    assert browser.post(ME, headers=headers).status_code == 405
