"""Interests on screen: read only, found by what they are about."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import text_of

HOME = "/admin/customer-interest"


@pytest.mark.parametrize("role", [staff, manager, lambda _: admin()])
def test_nobody_writes_them_by_hand(
    panel: PanelClient, db: Connection, role: Callable[[int], Any]
) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        number = make.interest(session).id
    panel.as_(role(vendor))
    for path in ("create", f"edit/{number}", f"remove/{number}"):
        answer = panel.post(f"{HOME}/{path}", data={"times": "99"})
        assert answer.status_code == 403, path
    page = panel.get(f"{HOME}/details/{number}").text
    assert "delete-dialog" not in page
    assert "nobody types them" in page


def test_they_are_found_by_what_they_are_about(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(admin_actor()), begin() as session:
        top = make.category(session, name="Beauty")
        leaf = make.category(session, name="Hair", parent_id=top.id)
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Long cut & colour", category_id=leaf.id)
        package = make.package(session, name="Ten cuts")
        ana = make.customer(session, full_name="Ana Alves")
        made = make.interest(session, customer=ana, item_id=service.id, category_id=leaf.id)
        make.interest(session, kind="package", item_id=package.id)
        make.interest(session, kind="product", item_id=service.id)
    found = {
        "": 3, "kind=package": 1, "kind=nothing": 3, f"category={top.id}": 1, "search=alves": 1,
        f"service={service.id}": 1, f"product={service.id}": 1, f"package={package.id}": 1,
        f"plan={package.id}": 0, f"customer={ana.id}": 1, f"customer={ana.id}&kind=class": 0,
    }  # fmt: skip
    for actor in (manager(vendor), admin()):
        panel.as_(actor)
        for query, many in found.items():
            own = f"{query}&vendor={vendor}" if actor.role == "app_admin" else query
            page = panel.get(f"{HOME}/list?{own}").text
            assert page.count("<tr data-row>") == many, (query, actor.role)
    listed = text_of(panel.get(f"{HOME}/list?vendor={vendor}").text)
    assert "Ten cuts" in listed
    assert "No longer sold" in listed
    page = panel.get(f"{HOME}/details/{made.id}").text
    assert f'href="/admin/service/details/{service.id}">Long cut &amp; colour' in page
    assert f"/admin/customer/details/{ana.id}" in page
