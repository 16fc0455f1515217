"""Classes in the calendar: looked at, and moved with everybody in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.messages import Message
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of
from tests.hearing import hear

HERE = "/admin/calendar"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
HUGE = "9" * 40


@dataclass
class Studio:
    """Ana leads yoga with three places on Monday at nine; Eva and Rui are in, one waits."""

    vendor: int
    yoga: int
    ana: int
    ben: int

    def stands(self) -> tuple[datetime, datetime, int | None]:
        with acting(vendor_actor(self.vendor)), begin() as session:
            found = session.get_one(ClassSession, self.yoga)
            return found.starts_at, found.ends_at, found.staff_id

    def bookings(self) -> set[tuple[datetime, int | None]]:
        with acting(vendor_actor(self.vendor)), begin() as session:
            rows = session.scalars(select(Booking).where(Booking.class_session_id == self.yoga))
            return {(row.starts_at, row.staff_id) for row in rows}

    def told(self) -> int:
        with acting(vendor_actor(self.vendor)), begin() as session:
            hear(session)
            return session.scalar(select(func.count(Message.id))) or 0

    def word(self) -> str:
        starts, ends, who = self.stands()
        return f"{int(starts.timestamp())}.{int(ends.timestamp())}.{who or 0}"


@pytest.fixture
def studio() -> Iterator[Studio]:
    with clock.stopped_at(datetime(2026, 11, 21, 10, tzinfo=UTC)):
        vendor = make.new_vendor(time_zone="Europe/Lisbon")
        with acting(vendor_actor(vendor)), begin() as session:
            ana, ben = (make.staff_member(session, name=name) for name in ("Ana Alves", "Ben Bo"))
            service = make.service(session, name="Yoga <b>", kind="class", capacity=4)
            held = make.class_session(session, service=service, staff=ana, starts_at=NINE)
            for name, seats in (("Eva <i> Ek", 2), ("Rui Reis", 1)):
                who = make.customer(session, full_name=name)
                make.booking(
                    session, service=service, customer=who, staff=ana, starts_at=NINE,
                    class_session_id=held.id, seats=seats,
                )  # fmt: skip
            waits = {"earliest": clock.now(), "latest": NINE}
            make.waitlist_entry(session, service=service, class_session_id=held.id, **waits)
            found = Studio(vendor, held.id, ana.id, ben.id)
        yield found


def move(panel: PanelClient, studio: Studio, **values: Any) -> Any:
    return panel.post(f"{HERE}/class/{studio.yoga}/move", data=values)


def later(studio: Studio, hours: int = 2, **more: Any) -> dict[str, Any]:
    """What a drag sends."""
    starts, ends, who = studio.stands()
    at = [int((moment + hours * HOUR).timestamp()) for moment in (starts, ends)]
    return {"from": at[0], "to": at[1], "staff": who or 0, "seen": studio.word()} | more


def test_a_look_at_a_class_tells_who_comes_and_who_waits(
    panel: PanelClient, studio: Studio
) -> None:
    html = panel.as_(staff(studio.vendor)).get(f"{HERE}/class/{studio.yoga}").json()["html"]
    text = text_of(html)
    for words in (
        "Yoga &lt;b&gt;", "1 free place", "23 Nov, 09:00–10:00", "Ana Alves", "3 of 4 taken",
        "Eva +1, Rui", "1 waiting", "Open roster",
    ):  # fmt: skip
        assert words in text, words
    assert "Yoga <b>" not in html
    assert "Move class" not in text
    managers = panel.as_(manager(studio.vendor)).get(f"{HERE}/class/{studio.yoga}").json()["html"]
    assert "Move class" in managers


def test_of_many_only_the_first_are_named(panel: PanelClient, studio: Studio) -> None:
    with acting(vendor_actor(studio.vendor)), begin() as session:
        held = session.get_one(ClassSession, studio.yoga)
        held.seats = 40
        session.flush()
        for n in range(14):
            who = make.customer(session, full_name=f"Walk-in {n:04}")
            make.booking(
                session, service=held.service, customer=who, staff_id=studio.ana,
                starts_at=NINE, class_session_id=held.id,
            )  # fmt: skip
    html = panel.as_(staff(studio.vendor)).get(f"{HERE}/class/{studio.yoga}").json()["html"]
    assert "Walk-in 0009 and 4 more" in text_of(html)


def test_a_class_is_moved_with_everybody_in_it_and_back(panel: PanelClient, studio: Studio) -> None:
    panel.as_(manager(studio.vendor))
    before = studio.told()
    answer = move(panel, studio, **later(studio, staff=studio.ben))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["message"] == ("Yoga <b>: 23 Nov, 11:00 with Ben Bo. Everybody in it is told.")
    assert studio.stands() == (NINE + 2 * HOUR, NINE + 3 * HOUR, studio.ben)
    assert studio.bookings() == {(NINE + 2 * HOUR, studio.ben)}
    assert studio.told() == before + 2
    back = said["undo"] | {"seen": said["seen"]}
    assert move(panel, studio, **back).status_code == 200
    assert studio.stands() == (NINE, NINE + HOUR, studio.ana)


def test_a_form_says_the_time_on_the_wall(panel: PanelClient, studio: Studio) -> None:
    values = {"starts": "2026-11-24T18:30", "staff": studio.ana, "seen": studio.word()}
    assert move(panel.as_(manager(studio.vendor)), studio, **values).status_code == 200
    starts = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
    assert studio.stands() == (starts, starts + HOUR, studio.ana)


def test_its_lower_edge_makes_it_longer(panel: PanelClient, studio: Studio) -> None:
    longer = later(studio, 0, to=int((NINE + 2 * HOUR).timestamp()))
    assert move(panel.as_(manager(studio.vendor)), studio, **longer).status_code == 200
    assert studio.stands() == (NINE, NINE + 2 * HOUR, studio.ana)


def test_where_it_was_nobody_is_told(panel: PanelClient, studio: Studio) -> None:
    before = studio.told()
    assert move(panel.as_(manager(studio.vendor)), studio, **later(studio, 0)).status_code == 200
    assert studio.told() == before


def test_joining_meanwhile_is_no_reason_moving_meanwhile_is(
    panel: PanelClient, studio: Studio
) -> None:
    panel.as_(manager(studio.vendor))
    drag = later(studio)
    with acting(vendor_actor(studio.vendor)), begin() as session:
        held = session.get_one(ClassSession, studio.yoga)
        make.booking(
            session, service=held.service, staff_id=studio.ana, starts_at=NINE,
            class_session_id=held.id,
        )  # fmt: skip
    assert move(panel, studio, **drag).status_code == 200
    again = move(panel, studio, **drag)
    assert again.status_code == 409
    assert "meanwhile" in again.json()["sentence"]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"staff": "0"}, "staff", "Somebody leads this class"),
        ({"staff": "99999999"}, "staff", "does not work here"),
        ({"staff": "-1"}, "staff", "not here"),
        ({"staff": HUGE}, "staff", "not here"),
        ({"from": "NaN"}, "from", "no time"),
        ({"from": "1e9"}, "from", "no time"),
        ({"from": HUGE}, "from", "no time"),
        ({"from": "99999999999"}, "from", "no time"),
        ({"from": ""}, "starts", "no time"),
        ({"from": "", "starts": "2026-11-31T09:00"}, "starts", "no time"),
        ({"from": "", "starts": "2027-03-28T01:30"}, "starts", "clocks go forward"),
        ({"from": "1000000000", "to": ""}, "starts", "still to come"),
        ({"to": "1700000000"}, "ends", "later"),
        ({"to": "1999999999"}, "ends", "longer than a year"),
        ({"seen": "1.2.3"}, None, "meanwhile"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_moves(
    panel: PanelClient, studio: Studio, values: dict[str, str], field: str | None, words: str
) -> None:
    before = studio.stands(), studio.told()
    answer = move(panel.as_(manager(studio.vendor)), studio, **later(studio) | values)
    assert (answer.status_code, answer.json()["field"]) == (409, field), answer.text
    assert words in answer.json()["sentence"], answer.text
    assert (studio.stands(), studio.told()) == before


def test_who_leads_it_must_be_free(panel: PanelClient, studio: Studio) -> None:
    with acting(vendor_actor(studio.vendor)), begin() as session:
        make.booking(session, staff_id=studio.ana, starts_at=NINE + 2 * HOUR)
    answer = move(panel.as_(manager(studio.vendor)), studio, **later(studio))
    assert (answer.status_code, answer.json()["field"]) == (409, "starts")
    assert "taken" in answer.json()["sentence"]
    assert studio.stands()[0] == NINE


def test_what_has_begun_is_moved_no_more(panel: PanelClient, studio: Studio) -> None:
    with clock.stopped_at(NINE + timedelta(minutes=5)):
        panel.as_(manager(studio.vendor))
        answer = move(panel, studio, **later(studio))
        assert answer.status_code == 409
        assert "has begun or is over" in answer.json()["sentence"]
        html = panel.get(f"{HERE}/class/{studio.yoga}").json()["html"]
        assert "Move class" not in html


def test_classes_have_doors_too(panel: PanelClient, studio: Studio) -> None:
    other = make.new_vendor(time_zone="Europe/Lisbon")
    for actor, read, write in (
        (manager(other), 404, 404), (staff(studio.vendor), 200, 403),
        (admin(), 409, 409), (analyst(), 403, 403),
    ):  # fmt: skip
        panel.as_(actor)
        assert panel.get(f"{HERE}/class/{studio.yoga}").status_code == read
        assert move(panel, studio, **later(studio)).status_code == write
    assert studio.stands()[0] == NINE
    panel.as_(manager(studio.vendor))
    assert panel.get(f"{HERE}/class/{studio.yoga}/move").status_code in (404, 405)
    for number in ("0", "-1", "x", "9" * 25, "１", "1%00"):
        assert panel.get(f"{HERE}/class/{number}").status_code == 404
        assert panel.post(f"{HERE}/class/{number}/move", data={"from": "1"}).status_code == 404
