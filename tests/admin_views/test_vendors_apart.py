"""A vendor's people type another vendor's ids wherever an id can be typed: nothing is there."""

from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.tenancy import acting, admin_actor
from models.audit import AuditEntry
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import leaks, text_of
from tests.admin_views.test_every_view import MAKE, OF_THE_HOUSE, VIEWS, known, made

OWNED = [i for i in known() if i not in OF_THE_HOUSE]


def changes() -> int:
    """How much has been written so far."""
    with acting(admin_actor()), begin() as session:
        return session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)) or 0


@pytest.mark.parametrize("identity", OWNED)
def test_anothers_record_is_not_here(panel: PanelClient, identity: str) -> None:
    foreign, own = make.new_vendor(), make.new_vendor()
    number = made(identity, foreign)
    panel.as_(manager(own))
    before = changes()
    for path in (f"details/{number}", f"edit/{number}"):
        assert panel.get(f"/admin/{identity}/{path}").status_code in (403, 404)
    assert panel.post(f"/admin/{identity}/edit/{number}", data={"name": "x"}).status_code in (
        403,
        404,
    )
    assert panel.post(f"/admin/{identity}/remove/{number}").status_code in (403, 404)
    for command in VIEWS[identity].commands:
        answer = panel.post(f"/admin/{identity}/do/{number}/{command.name}")
        assert answer.status_code in (403, 404)
    listed = panel.get(f"/admin/{identity}/list").text
    assert f'/{identity}/details/{number}"' not in listed
    assert changes() == before


OPEN_TO_ALL = ("category", "categories", "item", "country", "time_zone")
"""What forms pick from that is no vendor's."""
PICKS = [
    (identity, name)
    for identity in OWNED
    for name, field in VIEWS[identity].fields.items()
    if "lookup" in str(field.kwargs) or any(hasattr(a, "search") for a in field.args)
]


MORE = {
    "loyalty-account": {"points_given": "10", "reason": "Sorry"},
    "loyalty-rule": {"channel": "", "multiplier": "2"},
    "reward": {"points": "10", "kind": "service"},
    "message-rule": {"event": "booking_completed"},
    "message-rule plan": {"event": "membership_renewed"},
    "message-rule assignee": {"action": "task", "task_title": "Call", "template_id": ""},
}
"""What else these forms need before anybody looks at the id."""


def _foreign(vendor: int, field: str) -> int:
    noun = {"staff": "staff-member", "assignee": "staff-member", "plan": "membership-plan",
            "class_session": "class-session", "tax_class": "tax-class",
            "program": "loyalty-program", "template": "message-template", "cheaper": "service",
            "bought": "product"}  # fmt: skip
    return made(noun.get(field, field), vendor)


@pytest.mark.parametrize(
    ("identity", "field"),
    [p for p in PICKS if p[1] in ("customer", "service", "staff", "assignee", "package", "plan")],
)
def test_anothers_id_in_a_form_is_a_sentence_at_its_field(
    panel: PanelClient, db: Connection, identity: str, field: str
) -> None:
    foreign, own = make.new_vendor(), make.new_vendor()
    other = _foreign(foreign, field)
    panel.as_(manager(own))
    data: dict[str, Any] = panel.form_values(f"/admin/{identity}/create")
    for name in VIEWS[identity].fields:
        if (identity, name) in PICKS and name not in OPEN_TO_ALL:
            data[name] = data[f"{name}_id"] = str(_foreign(own, name))
    data |= {
        "title": "Call", "name": "Box", "uses": "3", "price": "5", "starts_at": "2027-01-05T10:00",
        "ends_at": "2027-01-05T11:00",
        "purpose": "marketing", "granted": "yes", "source": "form",
        "channel": data.get("channel") or "email", "latest": "2027-01-08T10:00",
        "starts_on": "2027-01-05", "starts": "10:00",
        **MORE.get(identity, {}), **MORE.get(f"{identity} {field}", {}),
        field: str(other), f"{field}_id": str(other),
    }  # fmt: skip
    before = changes()
    answer = panel.post(f"/admin/{identity}/create", data=data)
    assert answer.status_code == 400, text_of(answer.text)
    assert "This one is not here: choose one from the list." in answer.text
    assert leaks(answer.text) is None
    assert changes() == before


OWN_LOOKUPS = ("order",)
"""Whose form draws its pickers itself."""


@pytest.mark.parametrize(
    ("identity", "name"),
    [p for p in PICKS if VIEWS[p[0]].can_create and p[0] not in OWN_LOOKUPS],
)
def test_a_picker_asks_where_it_is_answered(panel: PanelClient, identity: str, name: str) -> None:
    panel.as_(admin())
    page = panel.get(f"/admin/{identity}/create?all=1")
    asked = f"/admin/{identity}/ajax/lookup?name={name}"
    assert f'data-pick="{asked}"' in page.text
    assert "results" in panel.get(f"{asked}&term=a").json()


@pytest.mark.parametrize(("identity", "name"), PICKS)
def test_a_picker_finds_only_ones_own(panel: PanelClient, identity: str, name: str) -> None:
    foreign, own = make.new_vendor(), make.new_vendor()
    if name not in OPEN_TO_ALL:
        _foreign(foreign, name)
    panel.as_(manager(own))
    url = f"/admin/{identity}/ajax/lookup"
    for term in ("a", "e", "'", "%", "\\", "1" * 500, "Vendor"):
        answer = panel.get(url, params={"name": name, "term": term})
        assert answer.status_code in (200, 403, 404)
        if name not in OPEN_TO_ALL and answer.status_code == 200:
            assert answer.json()["results"] == []


def test_an_admin_cannot_mix_two_vendors(panel: PanelClient) -> None:
    one, two = make.new_vendor(), make.new_vendor()
    panel.as_(admin())
    data = {
        "customer": str(made("customer", one)), "service": str(made("service", two)),
        "starts_at": "2027-01-05T10:00", "channel": "walk_in",
    }  # fmt: skip
    answer = panel.post("/admin/booking/create", data=data)
    assert answer.status_code == 400
    assert "belongs to another vendor" in answer.text


def test_every_owned_noun_is_tried() -> None:
    assert set(MAKE) >= {i for i in OWNED if i not in ("vendor", "audit-entry")}
