"""API tokens on screen: the secret is shown once, refusals at their fields, revoked for good."""

import re

import pytest
from sqlalchemy import Connection

from app import clock
from app.operations import api_tokens
from app.tenancy import GATE, Actor, DatabaseRole, PanelRole, acting
from app.transact import in_transaction
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of

HOME, NEW = "/admin/api-tokens", "/admin/api-tokens/new"


def secret_in(html: str) -> str:
    found = set(re.findall(r"br_[A-Za-z0-9_-]{43}", html))
    assert len(found) == 1
    return found.pop()


def resolved(secret: str) -> Actor | None:
    with acting(GATE):
        return in_transaction(api_tokens.resolve_api_token, secret, clock.now())


def test_an_admin_makes_and_revokes_a_token_over_all_vendors(
    panel: PanelClient, db: Connection
) -> None:
    boss = make_admin()
    panel.as_(boss)
    assert "No tokens yet" in text_of(panel.get(HOME).text)
    made = panel.post(NEW, data={"name": "Web <b>shop", "days": "30"})
    assert made.status_code == 200
    secret = secret_in(made.text)
    assert resolved(secret) == boss
    page = panel.get(HOME).text
    assert secret not in page
    assert f"{secret[:9]}…" in page
    assert "Web &lt;b&gt;shop" in page
    assert "All vendors" in page
    [way] = re.findall(r"/admin/api-tokens/\d+/revoke", page)
    assert panel.post(way).headers["location"] == HOME
    assert resolved(secret) is None
    shown = panel.get(HOME).text
    assert "Revoked" in text_of(shown)
    assert way not in shown


def make_admin() -> Actor:
    from app.database import begin
    from app.tenancy import SYSTEM

    with acting(SYSTEM), begin() as session:
        user = make.user(session, role="admin").id
    return Actor(DatabaseRole.ADMIN, None, user, PanelRole.ADMIN)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": " ", "days": "30"}, "The name is missing"),
        ({"name": "Till", "days": "31"}, "A token lives 30, 90 or 365 days"),
        ({"name": "Till", "days": "soon"}, "A token lives 30, 90 or 365 days"),
        ({"name": "Till"}, "A token lives 30, 90 or 365 days"),
    ],
)
def test_a_refusal_stands_at_its_field(
    panel: PanelClient, db: Connection, typed: dict[str, str], sentence: str
) -> None:
    panel.as_(manager(make.new_vendor()))
    refused = panel.post(NEW, data=typed)
    assert refused.status_code == 400
    assert sentence in text_of(refused.text)
    assert 'aria-invalid="true"' in refused.text or "is-invalid" in refused.text
    assert "br_" not in refused.text


def test_a_manager_sees_their_vendors_tokens_only(panel: PanelClient, db: Connection) -> None:
    here, there = make.new_vendor(), make.new_vendor()
    panel.as_(manager(here)).post(NEW, data={"name": "Till", "days": "until-revoked"})
    assert "Till" in panel.get(HOME).text
    [way] = re.findall(r"/admin/api-tokens/\d+/revoke", panel.get(HOME).text)
    panel.as_(manager(there))
    assert "No tokens yet" in text_of(panel.get(HOME).text)
    assert panel.post(way).status_code == 404
    assert "Till" in panel.as_(admin()).get(HOME).text


def test_staff_and_analysts_hold_no_tokens(panel: PanelClient, db: Connection) -> None:
    for actor in (staff(make.new_vendor()), analyst()):
        panel.as_(actor)
        assert panel.get(HOME).status_code == 403
        assert panel.post(NEW, data={"name": "x", "days": "30"}).status_code == 403
        assert panel.post(f"{HOME}/1/revoke").status_code == 403
