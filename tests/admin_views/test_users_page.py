"""Users on screen: found over all vendors, deactivated with a reason, given a role, removed."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import accounts, outbox
from app.settings import settings
from app.tenancy import SYSTEM, acting
from app.transact import in_transaction
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of


@pytest.fixture
def hand(db: Connection) -> dict[str, int]:
    """Somebody who works at Alpha, and another admin who can sign in."""
    with acting(SYSTEM), begin() as session:
        vendor = make.vendor(session, name="Alpha")
        user = make.user(session, name="Ana <b>Reis", email="ana@example.com", password_hash="kept")
        place = make.vendor_user(session, user=user, vendor_id=vendor.id)
        other = make.user(session, role="admin", password_hash="kept")
        return {"vendor": vendor.id, "user": user.id, "place": place.id, "admin": other.id}


def account(user_id: int) -> Any:
    with acting(SYSTEM):
        return in_transaction(accounts.account, user_id=user_id)


def told(panel: PanelClient, path: str) -> str:
    return text_of(panel.get(path).text)


def test_an_admin_finds_deactivates_and_reactivates_somebody(
    panel: PanelClient, hand: dict[str, int]
) -> None:
    panel.as_(admin())
    assert "Reis" not in told(panel, "/admin/users")
    assert "Alpha" in told(panel, "/admin/users?search=reis")
    assert "try fewer letters" in told(panel, "/admin/users?search=nobody-here")
    at = f"/admin/users/{hand['user']}"
    page = panel.get(at).text
    assert "Ana &lt;b&gt;Reis" in page
    assert f'action="{at}/deactivate"' in page
    without = panel.post(f"{at}/deactivate", data={"reason": " "})
    assert without.headers["location"] == at
    assert "The reason is missing" in told(panel, at)
    panel.post(f"{at}/deactivate", data={"reason": "Left in May"})
    shown = told(panel, at)
    assert "Inactive" in shown
    assert "Left in May" in shown
    assert "New link" not in shown
    assert "by Backroom" in shown  # who, in the trail; user 1 acts in tests
    panel.post(f"{at}/reactivate")
    assert account(hand["user"]).is_active
    assert f'action="{at}/deactivate"' in panel.get(at).text


def test_an_admin_gives_a_role_and_takes_a_place(panel: PanelClient, hand: dict[str, int]) -> None:
    panel.as_(admin())
    at = f"/admin/users/{hand['user']}"
    panel.post(f"{at}/role", data={"role": "analyst"})
    assert account(hand["user"]).role == "analyst"
    assert "they sign in anew" in told(panel, at)
    panel.post(f"{at}/role", data={"role": "king"})
    assert "There is no such role" in told(panel, at)
    fields = {"place": str(hand["place"]), "user": str(hand["user"])}
    assert panel.post("/admin/users/remove", data=fields).headers["location"] == at
    assert "works at no vendor" in told(panel, at)


def test_what_was_said_twice_before_the_next_page_is_shown_twice(
    panel: PanelClient, hand: dict[str, int]
) -> None:
    panel.as_(admin())
    at = f"/admin/users/{hand['user']}"
    panel.post(f"{at}/role", data={"role": "analyst"})
    panel.post(f"{at}/role", data={"role": "king"})
    shown = told(panel, at)
    assert "they sign in anew" in shown
    assert "There is no such role" in shown
    assert "There is no such role" not in told(panel, at)


def test_the_last_admin_is_told_why_not(panel: PanelClient, hand: dict[str, int]) -> None:
    panel.as_(admin())
    at = f"/admin/users/{hand['admin']}"
    panel.post(f"{at}/deactivate", data={"reason": "left"})
    assert "This is the last admin who can sign in" in told(panel, at)
    assert account(hand["admin"]).is_active


def test_a_manager_sees_the_page_and_decides_only_about_places(
    panel: PanelClient, hand: dict[str, int]
) -> None:
    panel.as_(manager(hand["vendor"]))
    at = f"/admin/users/{hand['user']}"
    page = panel.get(at)
    assert page.status_code == 200
    assert "/deactivate" not in page.text
    assert "In the marketplace" not in page.text
    assert panel.get(f"/admin/users/{hand['admin']}").status_code == 404
    for verb in ("deactivate", "reactivate", "role"):
        assert panel.post(f"{at}/{verb}", data={"reason": "x", "role": "admin"}).status_code == 403
    fields = {"place": str(hand["place"]), "user": str(hand["user"])}
    assert panel.post("/admin/users/remove", data=fields).headers["location"] == "/admin/users"


def test_staff_and_analysts_open_no_users(panel: PanelClient, hand: dict[str, int]) -> None:
    for actor in (staff(hand["vendor"]), analyst()):
        panel.as_(actor)
        assert panel.get(f"/admin/users/{hand['user']}").status_code == 403


@pytest.mark.parametrize("word", ["x", "-1", "9" * 30, "%20", "１"])
def test_what_is_no_user_is_not_there(panel: PanelClient, hand: dict[str, int], word: str) -> None:
    panel.as_(admin())
    assert panel.get(f"/admin/users/{word}").status_code == 404
    assert panel.post(f"/admin/users/{word}/deactivate", data={"reason": "x"}).status_code == 404


@pytest.fixture(params=["", "smtp://127.0.0.1:1"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mail server that the settings name, or none."""
    monkeypatch.setenv("SMTP_URL", request.param)
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    settings.cache_clear()
    yield request.param
    settings.cache_clear()


def test_a_link_is_shown_once_and_sent_where_a_mail_server_is_set_up(
    panel: PanelClient, hand: dict[str, int], url: str
) -> None:
    panel.as_(manager(hand["vendor"]))
    form = {"email": "new@example.com", "name": "New", "role": "staff"}
    for page, email in (
        (panel.post("/admin/users/reset", data={"user": str(hand["user"])}), "ana@example.com"),
        (panel.post("/admin/users/invite", data=form), "new@example.com"),
    ):
        assert "/link/" in page.text
        assert (f"A link is being sent to {email}." in text_of(page.text)) is bool(url)
    assert "/link/" not in panel.get("/admin/users").text
    with acting(SYSTEM), begin() as session:
        assert outbox.waiting(session) == (2 if url else 0)
