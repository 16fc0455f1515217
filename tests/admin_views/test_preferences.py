"""Customers' preferences on screen: one a customer, hours by their clock, categories searched."""

import re
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import CustomerPreference, PreferredCategory
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

HOME = "/admin/customer-preference"


def made_customer(vendor: int, **fields: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.customer(session, **fields).id


def made_category(**fields: Any) -> int:
    with acting(admin_actor()), begin() as session:
        return make.category(session, **fields).id


def kept(vendor: int) -> tuple[list[CustomerPreference], list[int]]:
    with acting(vendor_actor(vendor)), begin() as session:
        rows = list(session.scalars(select(CustomerPreference)))
        return rows, sorted(session.scalars(select(PreferredCategory.category_id)))


def picked(*ids: object) -> dict[str, str]:
    rows = {f"categories-{n}-item": str(i) for n, i in enumerate(ids)}
    return {"categories-count": str(len(ids)), **rows}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"customer": "9" * 30}, "This one is not here"),
        ({"channel": "pigeon"}, "not one of the choices"),
        ({"quiet_from": "25:00"}, "This is no time"),
        ({"quiet_from": "\x00"}, "both, or neither"),
        ({"quiet_from": "22:00", "quiet_until": ""}, "both, or neither"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "same time"),
        ({"quiet_until": "NaN"}, "This is no time"),
        (picked(999_999_999), "This one is not here"),
        (picked("' OR 1=1"), "This one is not here"),
        (picked(*range(1, 60)), "too many"),
        ({"categories-count": "1", "categories-0-item_text": "Hair"}, "“Hair” was not chosen"),
    ],
)
def test_what_cannot_be_kept_is_a_sentence(
    panel: PanelClient, db: Connection, fields: dict[str, str], sentence: str
) -> None:
    vendor = make.new_vendor()
    panel.as_(staff(vendor))
    good = {"customer": str(made_customer(vendor)), "channel": "email", "quiet_until": "08:00",
            "quiet_from": "21:00"}  # fmt: skip
    answer = panel.post(f"{HOME}/create", data=good | fields)
    assert answer.status_code == 400
    assert sentence in text_of(answer.text)
    assert leaks(answer.text) is None
    assert kept(vendor) == ([], [])


@pytest.mark.parametrize("count", ["", "-1", "abc", "9" * 30, "2000000000", "\x00"])
def test_a_count_of_rows_that_cannot_be_breaks_nothing(
    panel: PanelClient, db: Connection, count: str
) -> None:
    vendor = make.new_vendor()
    panel.as_(staff(vendor))
    data = {"customer": str(made_customer(vendor)), "categories-count": count}
    assert panel.post(f"{HOME}/create", data=data).status_code == 303
    assert kept(vendor)[1] == []


def test_a_second_one_leads_to_the_first(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    customer = made_customer(vendor, full_name="Ana <b>Alves")
    panel.as_(staff(vendor))
    data = {"customer": str(customer), "channel": "sms"}
    first = panel.post(f"{HOME}/create", data=data).headers["location"]
    again = panel.post(f"{HOME}/create", data=data | {"channel": "email"})
    assert again.status_code == 400
    assert "are known already" in text_of(again.text)
    assert "Ana <b>" not in again.text
    assert re.search(rf'href="{first}"[^>]*>Open the known preferences', again.text)
    [row], _ = kept(vendor)
    assert row.channel == "sms"


def test_they_are_made_shown_and_changed(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    customer = made_customer(vendor, full_name="Ana Alves", time_zone="Asia/Tokyo")
    hair, nails = made_category(name="Hair"), made_category(name="Nails")
    panel.as_(staff(vendor))
    data = {"customer": str(customer), "channel": "sms", "quiet_from": "22:00",
            "quiet_until": "08:00"}  # fmt: skip
    at = panel.post(f"{HOME}/create", data=data | picked(hair, hair)).headers["location"]
    [row], likes = kept(vendor)
    assert (row.channel, row.quiet_from, row.quiet_until) == ("sms", time(22), time(8))
    assert likes == [hair]
    page = text_of(panel.get(at).text)
    for words in ("22:00–08:00", "Tokyo", "Hair", "SMS"):
        assert words in page
    assert "Hair" in text_of(panel.get(f"{HOME}/list").text)

    edit = at.replace("details", "edit")
    form = panel.form_values(edit)
    assert "customer" not in form
    assert form["categories-0-item"] == str(hair)
    assert "Tokyo" in panel.get(edit).text
    assert panel.post(edit, data=form).status_code == 303
    assert kept(vendor)[1] == [hair]
    other = {**form, "channel": "", "quiet_from": "", "quiet_until": "", **picked(nails)}
    stolen = other | {"customer": str(made_customer(vendor))}
    assert panel.post(edit, data=stolen).status_code == 303
    [row], likes = kept(vendor)
    assert (row.customer_id, row.channel, row.quiet_from) == (customer, None, None)
    assert likes == [nails]
    late = panel.post(edit, data=form)
    assert late.status_code == 400
    assert kept(vendor)[1] == [nails]


def test_filters_find_those_who_like_a_branch(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    top = made_category(name="Beauty")
    leaf = made_category(name="Brows", parent_id=top)
    customer = made_customer(vendor)
    panel.as_(manager(vendor))
    data = {"customer": str(customer), "quiet_from": "22:00", "quiet_until": "06:00"}
    panel.post(f"{HOME}/create", data=data | picked(leaf))
    found = {
        f"likes={top}": 1, f"likes={leaf}": 1, "likes=999999999": 0, "quiet=yes": 1,
        "quiet=no": 0, "channel=sms": 0, f"customer={customer}": 1,
    }  # fmt: skip
    for query, many in found.items():
        page = panel.get(f"{HOME}/list?{query}").text
        assert page.count("<tr data-row>") == many, query


def test_they_cannot_be_deleted_and_an_admin_writes_for_the_customers_vendor(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    customer = made_customer(vendor)
    panel.as_(admin())
    at = panel.post(f"{HOME}/create", data={"customer": str(customer)}).headers["location"]
    [row], _ = kept(vendor)
    assert row.vendor_id == vendor
    assert panel.post(f"{HOME}/remove/{row.id}").status_code == 403
    assert "delete-dialog" not in panel.get(at).text


def test_categories_are_searched_never_listed(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    for n in range(30):
        made_category(name=f"Kind {n}")
    panel.as_(staff(vendor))
    assert "Kind 1" not in panel.get(f"{HOME}/create").text
    url = f"{HOME}/ajax/lookup"
    found = panel.get(url, params={"name": "categories", "term": "Kind"}).json()["results"]
    assert 0 < len(found) <= 10
