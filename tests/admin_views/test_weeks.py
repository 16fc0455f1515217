"""Working hours on screen: a week that people type, kept from a day on, refused at its day."""

from datetime import date, datetime, time
from typing import Any

import pytest

from admin_views import weeks as screen
from app.database import begin
from app.operations import weeks
from app.operations.weeks import Owner, Piece
from app.tenancy import acting, vendor_actor
from app.transact import in_transaction
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

HOUSE = "/admin/hours/house"
MONDAY = {
    "work-0-from-1": "9",
    "work-0-to-1": "17:30",
    "break-0-from-1": "12",
    "break-0-to-1": "13",
}
SINCE = {"since": "2026-11-20"}
ON_MONDAY = (Piece(1, "break", time(12), time(13)), Piece(1, "work", time(9), time(17, 30)))


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    return vendor


def kept(vendor: int, **owner: int) -> list[weeks.Period]:
    with acting(vendor_actor(vendor)):
        return in_transaction(weeks.periods, Owner(vendor, **owner))


def posted(panel: PanelClient, path: str, status: int = 303, **typed: str) -> str:
    answer = panel.post(path, data=SINCE | typed)
    assert answer.status_code == status, text_of(answer.text)
    assert leaks(answer.text) is None
    return answer.text


def test_a_week_is_typed_and_read_again(panel: PanelClient, vendor: int) -> None:
    assert "It can be booked at any time" in text_of(panel.get(HOUSE).text).replace(
        "it can", "It can"
    )
    posted(panel, HOUSE, **MONDAY)
    [period] = kept(vendor)
    assert period.pieces == ON_MONDAY
    page = panel.get(HOUSE).text
    assert 'name="work-0-to-1" value="17:30"' in page
    assert "Mon 09:00–17:30" in text_of(panel.get("/admin/hours").text)


def test_mondays_times_are_put_on_other_days_before_anything_is_saved(
    panel: PanelClient, vendor: int
) -> None:
    page = posted(panel, HOUSE, 200, **MONDAY, copy="workdays")
    assert 'name="work-0-from-5" value="9"' in page
    assert 'name="work-0-from-6" value=""' in page
    assert kept(vendor) == []
    assert 'name="break-0-to-7" value="13"' in posted(panel, HOUSE, 200, **MONDAY, copy="week")


def test_a_later_week_keeps_the_one_before_and_both_can_be_looked_at(
    panel: PanelClient, vendor: int
) -> None:
    posted(panel, HOUSE, **MONDAY)
    posted(panel, HOUSE, **{"since": "2026-12-01", "work-0-from-6": "10", "work-0-to-6": "14"})
    page = panel.get(HOUSE).text
    assert "from 1 Dec" in page
    assert 'name="work-0-to-1" value="17:30"' in page
    later = panel.get(f"{HOUSE}?on=2026-12-01").text
    assert 'name="work-0-to-6" value="14:00"' in later
    assert 'value="2026-12-01"' in later
    assert [p.first for p in kept(vendor)] == [None, date(2026, 12, 1)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "The week has no working time"),
        ({"work-0-from-3": "9"}, "A time of Wednesday has no end"),
        ({"work-0-to-3": "9"}, "A time of Wednesday has no beginning"),
        (MONDAY | {"work-0-to-1": "25:00"}, "“25:00” is no time"),
        (MONDAY | {"work-0-to-1": "<b>x"}, "“&lt;b&gt;x” is no time"),
        (MONDAY | {"work-1-from-1": "16", "work-1-to-1": "18"}, "working times of Monday overlap"),
        (MONDAY | {"break-0-to-1": "18"}, "is not within a working time"),
        (MONDAY | {"since": "yesterday"}, "This is no date"),
        (MONDAY | {"since": "2199-01-01"}, "over three years ahead"),
        (MONDAY | {"since": ""}, "This is no date"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
    panel: PanelClient, vendor: int, typed: dict[str, str], said: str
) -> None:
    page = posted(panel, HOUSE, 400, **typed)
    assert said in page
    for name in MONDAY.keys() & typed.keys():
        shown = typed[name].replace("<", "&lt;").replace(">", "&gt;")
        assert f'name="{name}" value="{shown}"' in page
    assert kept(vendor) == []


def test_somebodys_own_hours_and_back_to_the_house(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        person = make.staff_member(session, name="Rita").id
    posted(panel, HOUSE, **MONDAY)
    mine = f"/admin/hours/staff-{person}"
    assert mine in panel.get(f"/admin/staff-member/details/{person}").text
    page = panel.get(mine).text
    assert "hours hold so far: Mon 09:00–17:30" in text_of(page)
    assert 'name="work-0-to-1" value="17:30"' in page
    posted(panel, mine, **{"work-0-from-2": "9", "work-0-to-2": "12"})
    assert "Tue 09:00–12:00" in text_of(panel.get("/admin/hours").text)
    assert panel.post(f"{mine}/house").status_code == 303
    assert kept(vendor, staff_id=person) == []
    assert panel.post(f"{HOUSE}/house").status_code == 404


def test_hours_that_hold_more_times_are_all_shown(panel: PanelClient, vendor: int) -> None:
    pieces = [Piece(1, "work", time(h), time(h + 1)) for h in (8, 10, 12)]
    with acting(vendor_actor(vendor)):
        in_transaction(weeks.set_week, owner=Owner(vendor), since=date(2026, 11, 20), pieces=pieces)
    values = screen.typed_of(pieces)
    assert len(values) == 6
    page = panel.get(HOUSE).text
    for name, value in values.items():
        assert f'name="{name}" value="{value}"' in page


@pytest.mark.parametrize(
    "owner",
    ["staff-0", "staff-", "staff-abc", "service-99999999999999999999", "house-1", "x", "%00"],
)
def test_whose_hours_cannot_be_is_a_page_that_is_not_here(
    panel: PanelClient, vendor: int, owner: str
) -> None:
    for answer in (panel.get(f"/admin/hours/{owner}"), panel.post(f"/admin/hours/{owner}")):
        assert answer.status_code == 404


def test_another_vendors_person_is_not_here(panel: PanelClient, vendor: int) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        person = make.staff_member(session).id
    path = f"/admin/hours/staff-{person}"
    assert panel.get(path).status_code == 404
    assert panel.post(path, data=SINCE | MONDAY).status_code == 404
    assert panel.post(f"{path}/house").status_code == 404
    assert kept(other, staff_id=person) == []


def test_staff_read_the_hours_and_change_none(panel: PanelClient, vendor: int) -> None:
    posted(panel, HOUSE, **MONDAY)
    panel.as_(staff(vendor))
    page = panel.get(HOUSE).text
    assert "17:30" in page
    assert "<input" not in page.split("hw-grid")[1].split("</table>")[0]
    assert panel.post(HOUSE, data=SINCE | MONDAY).status_code == 403


def test_the_marketplace_chooses_a_vendor_first(panel: PanelClient, vendor: int) -> None:
    panel.as_(admin())
    for path in ("/admin/hours", HOUSE):
        assert "Choose a vendor" in panel.get(path).text
    assert panel.post(HOUSE, data=SINCE | MONDAY).status_code == 200
    assert kept(vendor) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [("9", time(9)), ("09", time(9)), ("9:30", time(9, 30)), ("9.30", time(9, 30)),
     ("930", time(9, 30)), ("1745", time(17, 45)), ("24:00", time(0)), ("0", time(0)),
     ("9h30", time(9, 30)), (" 9 : 30 ", time(9, 30))],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, at: time) -> None:
    assert screen.read_time(text, 1) == at


@pytest.mark.parametrize("text", ["24:01", "25", "9:60", "-1", "9:3", "abc", "٩", "12:30:15", "²"])
def test_what_is_no_time_is_a_sentence(text: str) -> None:
    with pytest.raises(screen.NoTime, match="write it like"):
        screen.read_time(text, 1)


def test_a_form_of_a_thousand_fields_is_refused(panel: PanelClient, vendor: int) -> None:
    data: dict[str, Any] = {f"work-{n}-from-1": "9" for n in range(1000)}
    assert panel.post(HOUSE, data=data).status_code == 400
    assert kept(vendor) == []
