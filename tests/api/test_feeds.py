"""`GET /feeds/<secret>.ics`: what a calendar program is told, and what nobody is."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from ical.calendar_stream import IcsCalendarStream
from starlette.applications import Starlette

from app import clock
from app.api.feeds import NOTHING
from app.database import begin
from app.logs import Discreet
from app.operations import feeds
from app.tenancy import acting, vendor_actor
from app.transact import in_transaction
from tests import make
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


def fed(house: House, name: str = "Maria") -> tuple[str, int]:
    """The path of a feed with a booking of `name`, and the feed's number."""
    with acting(vendor_actor(house.vendors["alpha"])):
        with begin() as session:
            staff, customer = make.staff_member(session), make.customer(session, full_name=name)
            make.booking(session, staff=staff, customer=customer, starts_at=clock.now() + HOUR)
        made, secret = in_transaction(feeds.make, staff_id=staff.id)
    return feeds.address(secret).removeprefix("https://panel.example"), made.id


def revoked(house: House, feed_id: int) -> None:
    with acting(vendor_actor(house.vendors["alpha"])):
        in_transaction(feeds.revoke, feed_id=feed_id)


def test_a_program_without_a_session_reads_the_feed(app: Starlette, house: House) -> None:
    path, _ = fed(house, "Ünal, Ayşe; 🐕")
    answer = Browser(app).get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "content-disposition" not in answer.headers
    assert "set-cookie" not in answer.headers
    [event] = IcsCalendarStream.calendar_from_ics(answer.text).events
    assert event.summary is not None
    assert event.summary.endswith(", Ünal, Ayşe; 🐕")


def test_who_has_it_already_is_told_so_until_something_changes(
    app: Starlette, house: House
) -> None:
    path, _ = fed(house)
    program = Browser(app)
    first = program.get(path)
    tag = first.headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = program.get(path, headers={"if-none-match": given})
        assert (again.status_code, again.content) == (304, b""), given
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"
    assert program.get(path, headers={"if-none-match": '"x"'}).status_code == 200
    assert program.get(path).content == first.content
    with acting(vendor_actor(house.vendors["alpha"])), begin() as session:
        staff_id = feeds.CalendarFeed.staff_id
        feed = session.query(feeds.CalendarFeed).filter(staff_id.is_not(None)).one()
        make.booking(session, staff=feed.staff_member, starts_at=clock.now() + 3 * HOUR)
    changed = program.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_what_opens_nothing_is_one_answer(app: Starlette, house: House) -> None:
    path, feed_id = fed(house)
    tag = Browser(app).get(path).headers["etag"]
    revoked(house, feed_id)
    never = f"/feeds/{'a' * 43}.ics"
    answers = [
        Browser(app).get(way, headers={"if-none-match": tag})
        for way in (path, never, "/feeds/x.ics", "/feeds/é%20;.ics")
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert {answer.text for answer in answers} == {NOTHING}


def test_only_its_own_address_and_method_open_it(app: Starlette, house: House) -> None:
    path, _ = fed(house)
    program = Browser(app)
    assert program.head(path).status_code == 200
    for other in (path.removesuffix(".ics"), path + "/", path.upper(), path + "?x=1%00"):
        assert program.get(other).status_code in (400, 404, 307), other
    for method in ("POST", "PUT", "DELETE"):
        assert program.request(method, path).status_code in (403, 405)


def test_being_signed_in_elsewhere_changes_nothing(app: Starlette, house: House) -> None:
    path, _ = fed(house)
    stranger = Browser(app).as_("manager@beta.example")
    assert stranger.get(path).content == Browser(app).get(path).content


def test_the_log_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        access = logging.getLogger("uvicorn.access")
        asked = '%s - "%s %s HTTP/%s" %d'
        access.addFilter(hidden := Discreet())
        try:
            access.info(asked, "1.2.3.4:5", "GET", "/feeds/s3cret-s3cret.ics?x=1", "1.1", 200)
        finally:
            access.removeFilter(hidden)
    assert "s3cret" not in caplog.text
    assert "/feeds/..." in caplog.text
