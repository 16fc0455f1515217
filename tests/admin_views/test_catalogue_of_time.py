"""Rooms, who does what, needs and terms on screen: kept, shown where they matter, refused."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.policies import CancellationPolicy
from models.resources import Resource, ResourceClaim, ServiceResource
from models.services import Service, StaffService
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import text_of
from tests.admin_views.test_every_view import made


@pytest.fixture
def vendor(panel: PanelClient) -> int:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    return vendor


def refused(panel: PanelClient, path: str, data: dict[str, Any]) -> str:
    """What the form says; it stands there again with what was typed."""
    answer = panel.post(f"/admin/{path}", data=data)
    assert answer.status_code == 400, text_of(answer.text)
    return text_of(answer.text)


def saved(panel: PanelClient, path: str, data: dict[str, Any]) -> str:
    """The page after it was saved."""
    answer = panel.post(f"/admin/{path}", data=data)
    assert answer.status_code == 303, text_of(answer.text)
    return text_of(panel.get(answer.headers["location"]).text)


def typed(panel: PanelClient, path: str, **changed: str) -> dict[str, Any]:
    return panel.form_values(f"/admin/{path}") | changed


def alone(vendor: int, model: Any) -> Any:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.scalars(select(model).where(model.vendor_id == vendor)).one()


ROOM = {"name": "Room 1", "kind": "room", "capacity": "2", "is_active": "y"}


def test_a_room_is_added_and_says_what_holds_and_needs_it(panel: PanelClient, vendor: int) -> None:
    page = saved(panel, "resource/create", ROOM)
    assert "nothing to come holds it" in page
    room = alone(vendor, Resource)
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Massage")
        customer = make.customer(session, full_name="Ana Alves")
        soon = clock.now() + timedelta(days=1)
        one = make.booking(session, service=service, customer=customer, starts_at=soon)
        make.claim(session, resource=room, booking=one, unit=2)
        make.service_resource(session, service=service, resource=room)
    page = text_of(panel.get(f"/admin/resource/details/{room.id}").text)
    assert "Massage, Ana Alves" in page
    assert "Number 2" in page
    assert "Needed by" in page


@pytest.mark.parametrize(
    ("capacity", "said"),
    [("0", "write a number from 1 to 1,000"), ("1001", "write a number from 1 to 1,000"),
     ("-1", "write a number from 1 to 1,000"), ("many", "no whole number"), ("", "missing")],
)  # fmt: skip
def test_a_capacity_that_cannot_be_is_refused(
    panel: PanelClient, vendor: int, capacity: str, said: str
) -> None:
    assert said in refused(panel, "resource/create", ROOM | {"capacity": capacity})


def test_fewer_than_are_promised_or_needed_is_refused(panel: PanelClient, vendor: int) -> None:
    saved(panel, "resource/create", ROOM | {"capacity": "3"})
    room = alone(vendor, Resource)

    def held(session: Session, days: int, unit: int) -> None:
        at = clock.now() + timedelta(days=days)
        make.claim(session, resource=room, booking=make.booking(session, starts_at=at), unit=unit)

    with acting(vendor_actor(vendor)), begin() as session:
        held(session, -3, 3)  # over
        held(session, 3, 2)
    path = f"resource/edit/{room.id}"
    said = refused(panel, path, typed(panel, path, capacity="1"))
    assert "Number 2 is promised to somebody who is still to come" in said
    saved(panel, path, typed(panel, path, capacity="2"))
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Duo")
        make.service_resource(session, service=service, resource=room, quantity=2)
        session.query(ResourceClaim).delete()
    assert "Duo needs 2 of it" in refused(panel, path, typed(panel, path, capacity="1"))


def test_what_a_service_needs_stands_on_its_page(panel: PanelClient, vendor: int) -> None:
    room, service = made("resource", vendor), made("service", vendor)
    new = f"service-resource/create?service={service}"
    page = panel.get(f"/admin/service/details/{service}").text
    assert f"/admin/{new}" in page
    data = typed(panel, new, resource=str(room), quantity="2")
    assert data["service"] == str(service)
    assert "There are only 1" in refused(panel, new, data)
    saved(panel, new, data | {"quantity": "1"})
    assert "needs this already" in refused(panel, new, data | {"quantity": "1"})
    need = alone(vendor, ServiceResource)
    path = f"service-resource/edit/{need.id}"
    assert f"/admin/{path}" in panel.get(f"/admin/service/details/{service}").text
    assert set(typed(panel, path)) == {"quantity", "seen"}
    assert "There are only 1" in refused(panel, path, typed(panel, path, quantity="2"))
    assert panel.post(f"/admin/service-resource/remove/{need.id}").status_code == 303
    assert f"/admin/{path}" not in panel.get(f"/admin/service/details/{service}").text


def test_who_does_a_service_stands_on_both_pages(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Colour").id
        person = make.staff_member(session, name="Rita").id
    page = text_of(panel.get(f"/admin/service/details/{service}").text)
    assert "everybody who works here" in page
    new = f"staff-service/create?service={service}"
    data = typed(panel, new, staff=str(person), price="35", duration_minutes="45")
    saved(panel, new, data)
    assert "named for this service already" in refused(panel, new, data)
    for where in (f"service/details/{service}", f"staff-member/details/{person}"):
        page = text_of(panel.get(f"/admin/{where}").text)
        assert "45 min · 35.00" in page
    row = alone(vendor, StaffService)
    path = f"staff-service/edit/{row.id}"
    saved(panel, path, typed(panel, path, price="", duration_minutes=""))
    row = alone(vendor, StaffService)
    assert (row.price, row.duration_minutes) == (None, None)
    for wrong in ({"duration_minutes": "0"}, {"price": "-1"}, {"duration_minutes": "1e3"}):
        refused(panel, path, typed(panel, path, **wrong))


def test_staff_see_who_does_what_and_change_none_of_it(panel: PanelClient, vendor: int) -> None:
    number = made("staff-service", vendor)
    row = alone(vendor, StaffService)
    panel.as_(staff(vendor))
    page = panel.get(f"/admin/service/details/{row.service_id}").text
    assert f"/admin/staff-service/details/{number}" in page
    assert "/admin/staff-service/create" not in page
    assert panel.get(f"/admin/staff-service/edit/{number}").status_code == 403


def test_an_admin_adds_a_part_for_the_services_vendor(panel: PanelClient, vendor: int) -> None:
    service, person = made("service", vendor), made("staff-member", vendor)
    panel.as_(admin())
    new = f"staff-service/create?service={service}&vendor={vendor}"
    assert new.replace("&", "&amp;") in panel.get(f"/admin/service/details/{service}").text
    saved(panel, new, typed(panel, new, staff=str(person)))
    assert alone(vendor, StaffService).staff_id == person


SERVICE = {
    "name": "Boarding", "kind": "stay", "price": "30", "deposit": "10", "duration_minutes": "60",
    "buffer_before_minutes": "0", "buffer_after_minutes": "0", "capacity": "1", "is_active": "y",
    "slot_interval_minutes": "30", "min_notice_minutes": "120", "max_advance_days": "90",
    "check_in_time": "15:30", "check_out_time": "",
}  # fmt: skip


def test_a_service_says_how_it_is_booked(panel: PanelClient, vendor: int) -> None:
    page = saved(panel, "service/create", SERVICE)
    for told in ("Offered every 30 min", "Notice 2 h", "Ahead 90 days at most", "Deposit 10.00",
                 "Check in from 15:30", "Check out until 11:00"):  # fmt: skip
        assert told in page
    service = alone(vendor, Service)
    assert service.deposit == Decimal(10)
    path = f"service/edit/{service.id}"
    assert typed(panel, path)["check_in_time"] == "15:30"
    saved(panel, path, typed(panel, path, max_advance_days=""))
    assert alone(vendor, Service).max_advance_days is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("deposit", "30.01", "The deposit is more than the price"), ("deposit", "", "missing"),
     ("slot_interval_minutes", "0", "from 1 to 1,440"), ("max_advance_days", "0", "from 1"),
     ("min_notice_minutes", "-5", "from 0"), ("check_in_time", "25:00", "This is no time"),
     ("capacity", "0", "from 1 to 10,000")],
)  # fmt: skip
def test_a_service_that_cannot_be_booked_like_that_is_refused(
    panel: PanelClient, vendor: int, field: str, value: str, said: str
) -> None:
    assert said in refused(panel, "service/create", SERVICE | {field: value})


TERMS = {
    "free_hours": "24", "late_hours": "2", "late_percent": "50", "last_percent": "100",
    "no_show_percent": "12,5", "max_moves": "1", "grace_minutes": "15",
}  # fmt: skip


def test_terms_are_of_one_service_or_of_all(panel: PanelClient, vendor: int) -> None:
    page = saved(panel, "cancellation-policy/create", TERMS)
    for told in ("Terms of all services", "Late costs 50 %", "Not coming costs 12.5 %", "once"):
        assert told in page
    assert "for all services already" in refused(panel, "cancellation-policy/create", TERMS)
    own = TERMS | {"service": str(made("service", vendor))}
    saved(panel, "cancellation-policy/create", own)
    assert "terms of its own already" in refused(panel, "cancellation-policy/create", own)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("late_hours", "25", "write at most 24 hours"), ("late_percent", "101", "at most 100"),
     ("last_percent", "-1", "below zero"), ("no_show_percent", "NaN", "no amount"),
     ("max_moves", "101", "from 0 to 100"), ("free_hours", "", "missing")],
)  # fmt: skip
def test_terms_that_cannot_hold_are_refused(
    panel: PanelClient, vendor: int, field: str, value: str, said: str
) -> None:
    assert said in refused(panel, "cancellation-policy/create", TERMS | {field: value})
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalars(select(CancellationPolicy)).all() == []
