"""Consents on screen: a decision is written down once and never touched again."""

from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.customers import Consent
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

CREATE = "/admin/consent/create"


def made_customer(vendor: int, **fields: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.customer(session, **fields).id


def decisions(vendor: int) -> list[Consent]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(Consent).order_by(Consent.id)))


def typed(whose: int, **fields: str) -> dict[str, str]:
    return {
        "customer": str(whose), "purpose": "marketing", "channel": "email", "granted": "yes",
        "source": "form", "proof": "Form 12, signed",
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"customer": ""}, "Customer is missing"),
        ({"customer": "9223372036854775808"}, "This one is not here"),
        ({"customer": "1; DROP"}, "This one is not here"),
        ({"granted": ""}, "Answer is missing"),
        ({"granted": "perhaps"}, "not one of the choices"),
        ({"granted": "\x00yes\x00"}, "not one of the choices"),
        ({"channel": "pigeon"}, "not one of the choices"),
        ({"purpose": "'"}, "not one of the choices"),
        ({"source": "\x00 \x00"}, "Where it was said is missing"),
        ({"source": "x" * 81}, "too long"),
        ({"proof": "x" * 10_001}, "too long"),
        ({"proof": "x" * 2_001}, "long"),
    ],
)
def test_what_cannot_be_a_decision_is_a_sentence_and_nothing_is_kept(
    panel: PanelClient, db: Connection, fields: dict[str, str], sentence: str
) -> None:
    vendor = make.new_vendor()
    panel.as_(staff(vendor))
    answer = panel.post(CREATE, data=typed(made_customer(vendor), **fields))
    assert answer.status_code == 400
    assert sentence in text_of(answer.text)
    assert leaks(answer.text) is None
    assert decisions(vendor) == []


def test_archived_customers_decide_nothing_new(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    gone = made_customer(vendor, archived_at=make.NOON)
    answer = panel.as_(manager(vendor)).post(CREATE, data=typed(gone))
    assert answer.status_code == 400
    assert leaks(answer.text) is None
    assert decisions(vendor) == []


def test_a_new_decision_replaces_the_old_one_which_stays(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    customer = made_customer(vendor, full_name="Ana Alves")
    panel.as_(staff(vendor))
    filled = panel.form_values(f"{CREATE}?customer={customer}")
    assert (filled["customer"], filled["customer_text"]) == (str(customer), "Ana Alves")
    first = panel.post(CREATE, data=typed(customer)).headers["location"]
    panel.post(CREATE, data=typed(customer, granted="no", source="phone"))
    old, new = decisions(vendor)
    assert (old.granted, old.source, old.proof) == (True, "form", "Form 12, signed")
    assert (new.granted, new.source) == (False, "phone")
    page = text_of(panel.get(first).text)
    assert "A later decision replaced it" in page
    assert "Form 12, signed" in page
    assert f"/admin/consent/details/{new.id}" in panel.get(first).text
    listed = text_of(panel.get("/admin/consent/list").text)
    assert "never edited or deleted" in listed
    assert "Said no" in listed


def test_a_decision_is_never_changed_or_deleted(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        number = make.consent(session).id
    for actor in (manager(vendor), staff(vendor), admin()):
        panel.as_(actor)
        assert panel.get(f"/admin/consent/edit/{number}").status_code == 403
        data = {"granted": "no"}
        assert panel.post(f"/admin/consent/edit/{number}", data=data).status_code == 403
        assert panel.post(f"/admin/consent/remove/{number}").status_code == 403
        page = panel.get(f"/admin/consent/details/{number}").text
        assert "/edit/" not in page
        assert "delete-dialog" not in page
    assert [c.granted for c in decisions(vendor)] == [True]


def test_filters_find_decisions_with_and_without_a_vendor(
    panel: PanelClient, db: Connection
) -> None:
    vendor, other = make.new_vendor(), make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        ana = make.customer(session, full_name="Ana Alves")
        make.consent(session, customer=ana)
        make.consent(session, customer=ana, channel="sms", granted=False)
        make.consent(session, customer=make.customer(session, full_name="Bo Berg"))
    with acting(vendor_actor(other)), begin() as session:
        make.consent(session, customer=make.customer(session, full_name="Cy Cole"))
    queries = {
        f"customer={ana.id}": 2, f"customer={ana.id}&customer=999999999": 2, "search=alves": 2,
        "search=nobody": 0, "channel=sms&search=alves": 1, "granted=no&search=ana": 1,
        f"purpose=reminder&customer={ana.id}": 0, "customer=abc&channel=sms&search=ana": 1,
    }  # fmt: skip
    for actor in (manager(vendor), admin()):
        panel.as_(actor)
        for query, many in queries.items():
            page = panel.get(f"/admin/consent/list?{query}").text
            assert page.count("<tr data-row>") == many, (query, actor.role)
    panel.as_(manager(vendor))
    assert "Cy Cole" not in panel.get("/admin/consent/list").text
