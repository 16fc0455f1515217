"""Reports of one's own: put together, shown, shared, refused, mailed; small groups stay hidden."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update

import tasks.reports
from app import clock
from app.database import begin
from app.gateways import mail
from app.operations import custom_reports
from app.settings import settings
from app.tenancy import (
    SYSTEM,
    Actor,
    DatabaseRole,
    PanelRole,
    acting,
    admin_actor,
    vendor_actor,
)
from models.custom_reports import CustomReport, SentEvery
from models.figures import SOLD, BookingFigures, HourFigures, ItemFigures, StaffFigures
from models.outbox import OutboxMessage
from models.report_runs import ReportRun
from models.users import User, VendorUser
from models.vendors import Vendor
from reports import custom
from reports.report import Filters, Period
from reports.spans import Grain
from tasks.reports import send_due, send_figures, work_out
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of
from tests.post_office import PostOffice
from tests.reports.figured import roll_up

DAYS = Period(date(2026, 11, 2), date(2026, 11, 20))


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor(name="Aurora", time_zone="Europe/Lisbon")
    sold(vendor, date(2026, 11, 16), "service", "1500.00")
    sold(vendor, date(2026, 11, 17), "product", "500.00", refunded="20.00", channel="online")
    roll_up(ItemFigures)
    panel.as_(manager(vendor))
    return vendor


def sold(vendor: int, day: date, kind: str, net: str, **more: Any) -> None:
    with acting(admin_actor()), begin() as session:
        values = {"net": Decimal(net), "gross": Decimal(net), "lines": 1, "kind": kind, **more}
        if "refunded" in more:
            values["refunded"] = Decimal(more["refunded"])
        make.figures(session, ItemFigures, vendor_id=vendor, starts_on=day, **values)


FORM = {
    "name": "Ours", "source": "sales", "measures": ["revenue", "refunds"],
    "dimensions": ["kind", ""], "chart": "ranked", "period": "12w", "by": "",
    "shared_with": "nobody", "sent_every": "never",
}  # fmt: skip


def somebody(vendor: int, role: str = "manager") -> int:
    """The id of one more user of a vendor."""
    with acting(admin_actor()), begin() as session:
        user = make.user(session)
        make.vendor_user(session, vendor_id=vendor, user=user, role=role)
        return user.id


def make_one(panel: PanelClient, **other: Any) -> Any:
    return panel.post("/admin/reports/own/new", data=FORM | other, follow_redirects=False)


def slug_of(answer: Any) -> str:
    assert answer.status_code == 303, text_of(answer.text)[-500:]
    return str(answer.headers["location"]).rsplit("/", 1)[1]


def test_measures_and_dimensions_make_a_page_with_files(panel: PanelClient, vendor: int) -> None:
    slug = slug_of(make_one(panel))
    page = panel.get(f"/admin/reports/{slug}")
    text = text_of(page.text)
    assert "Ours" in text
    assert "Revenue, EUR 1,980" in text
    assert "Refunds 20" in text
    assert "Services 1,500.00 0.00" in text
    assert "Products 480.00 20.00" in text
    told = panel.get(f"/admin/reports/{slug}/figures.csv").text
    assert "480.00" in told
    assert "Ours" in text_of(panel.get("/admin/reports").text)
    assert "Ours" not in text_of(panel.get("/admin/reports?q=nothing").text)


def test_it_is_changed_with_the_days_and_filters_of_its_page(
    panel: PanelClient, vendor: int
) -> None:
    slug = slug_of(make_one(panel))
    number = custom.number_of(slug)
    page = panel.get(f"/admin/reports/{slug}?period=7d&channel=online").text
    found = re.search(r'href="(/admin/reports/own/\d+/edit\?[^"]*)"', page)
    assert found is not None
    form = panel.get(found[1].replace("&amp;", "&")).text
    assert '<option value="7d" selected>' in form
    saved = panel.post(
        f"/admin/reports/own/{number}/edit", follow_redirects=False,
        data=FORM | {"name": "By week", "dimensions": ["channel", "time"], "chart": "lines",
                     "period": "30d", "channel": "online"},
    )  # fmt: skip
    assert slug_of(saved) == slug
    text = text_of(panel.get(f"/admin/reports/{slug}").text)
    assert "Revenue, EUR 480" in text
    assert "Last 30 days" in text
    assert "Revenue by channel by day" in text
    gone = panel.post(f"/admin/reports/own/{number}/remove", follow_redirects=False)
    assert gone.status_code == 303
    assert panel.get(f"/admin/reports/{slug}").status_code == 404


def test_what_another_tab_has_changed_is_not_overwritten(panel: PanelClient, vendor: int) -> None:
    slug = slug_of(make_one(panel, sent_every="day"))
    edit = f"/admin/reports/own/{custom.number_of(slug)}/edit"
    seen = stand_in(panel.get(edit).text)
    with acting(SYSTEM), begin() as session:  # its mail goes out: nobody changed anything
        custom_reports.promise_due(session, now=clock.now() + timedelta(days=2))
    first = panel.post(edit, data=FORM | {"name": "First", "seen": seen}, follow_redirects=False)
    assert first.status_code == 303
    second = panel.post(edit, data=FORM | {"name": "Second", "seen": seen}, follow_redirects=False)
    assert second.status_code == 400
    assert "Somebody changed this meanwhile: reload the page" in text_of(second.text)
    assert 'value="Second"' in second.text
    assert stand_in(second.text) == seen
    assert 'value="First"' in panel.get(edit).text


def stand_in(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"name": " "}, "This report has no name yet"),
        ({"name": "x" * 81}, "one to eighty letters"),
        ({"measures": []}, "Choose one to four measures"),
        ({"measures": ["revenue", "password"]}, "Choose one to four measures"),
        ({"measures": list(custom.SOURCES["sales"].measures)}, "Choose one to four measures"),
        ({"dimensions": []}, "Choose one or two things to group by"),
        ({"dimensions": ["staff"]}, "Choose one or two things to group by"),
        ({"dimensions": ["time", "kind", "item"]}, "Choose one or two things to group by"),
        ({"chart": "pie"}, "Choose a kind of chart"),
        ({"chart": "lines"}, "Choose a kind of chart"),
        ({"source": "users"}, "Choose what the report is about"),
        ({"shared_with": "everybody"}, "Choose one of the answers"),
        ({"sent_every": "second"}, "Choose one of the answers"),
        ({"period": "", "carried-from": "yesterday"}, "“yesterday” is no day"),
        (
            {"period": "", "carried-from": "2026-11-20", "carried-to": "2026-11-01"},
            "The period ends before it begins",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_nothing_typed_is_lost(
    panel: PanelClient, vendor: int, other: dict[str, Any], sentence: str
) -> None:
    answer = make_one(panel, **other)
    assert answer.status_code == 400
    assert leaks(answer.text) is None
    assert sentence in text_of(answer.text)
    assert 'value="revenue" checked' in answer.text or "measures" in other or "source" in other
    with acting(SYSTEM), begin() as session:
        assert session.scalars(select(CustomReport)).all() == []


def test_a_name_is_given_once(panel: PanelClient, vendor: int) -> None:
    slug_of(make_one(panel))
    again = make_one(panel)
    assert again.status_code == 400
    assert "There is a report of this name already" in text_of(again.text)


def test_it_is_seen_by_those_it_is_shared_with_alone(panel: PanelClient, vendor: int) -> None:
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    mine, shared = (
        slug_of(make_one(panel, name=name, shared_with=whom))
        for name, whom in (("Mine", "nobody"), ("Shared", "managers"))
    )
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    assert panel.get(f"/admin/reports/{mine}").status_code == 404
    assert panel.get(f"/admin/reports/{shared}").status_code == 200
    number = custom.number_of(shared)
    assert panel.get(f"/admin/reports/own/{number}/edit").status_code == 404
    assert panel.post(f"/admin/reports/own/{number}/remove").status_code == 404
    panel.as_(replace(manager(make.new_vendor(name="Borealis")), user_id=somebody(vendor)))
    for slug in (mine, shared):
        assert panel.get(f"/admin/reports/{slug}").status_code == 404
        assert panel.get(f"/admin/reports/{slug}/figures.csv").status_code == 404
    panel.as_(staff(vendor))
    assert panel.get("/admin/reports/own/new").status_code == 403
    panel.as_(analyst())
    assert panel.get("/admin/reports/own/new").status_code == 403
    assert panel.get(f"/admin/reports/{shared}").status_code == 404


@pytest.mark.parametrize("slug", ["own-", "own-0", "own-99999999999999999999", "own-1%00", "own-١"])
def test_an_address_of_none_is_not_found(panel: PanelClient, vendor: int, slug: str) -> None:
    assert panel.get(f"/admin/reports/{slug}").status_code == 404


@pytest.mark.parametrize("source", custom.SOURCES)
def test_every_measure_by_every_dimension_can_be_asked(
    panel: PanelClient, vendor: int, source: str
) -> None:
    of = custom.SOURCES[source]
    measures = list(of.measures)
    for actor in (vendor_actor(vendor), SYSTEM):
        for first in of.dimensions:
            for second in of.dimensions:
                chosen = {"source": source, "measures": measures[:4], "chart": "bars",
                          "dimensions": [first, second]}  # fmt: skip
                report = custom.report_of(1, "All", custom.read(chosen))
                with acting(actor), begin() as session:
                    for by in (Grain.DAY, Grain.MONTH):
                        session.execute(report.query(DAYS, Filters(), by)).all()
    with acting(vendor_actor(vendor)), begin() as session:
        for measure in measures:
            chosen = {"source": source, "measures": [measure], "chart": "none",
                      "dimensions": [of.dimensions[0]]}  # fmt: skip
            report = custom.report_of(1, "All", custom.read(chosen))
            session.execute(report.query(DAYS, Filters(), Grain.WEEK)).all()


def test_over_vendors_groups_of_fewer_than_five_customers_are_left_out(vendor: int) -> None:
    with acting(admin_actor()), begin() as session:
        for number, (kind, count) in enumerate((("online", 5), ("phone", 4)), 1):
            service = make.service(session, vendor_id=vendor, name=f"Cut {number}")
            for _ in range(count):
                customer = make.customer(session, vendor_id=vendor)
                make.booking(
                    session, vendor_id=vendor, customer=customer, service=service,
                    channel=kind, starts_at=datetime(2026, 11, 18, 10, tzinfo=UTC)
                    + timedelta(hours=number),
                )  # fmt: skip
            make.figures(
                session, BookingFigures, vendor_id=vendor, starts_on=date(2026, 11, 18),
                service_id=service.id, kind="appointment", channel=kind, bookings=count,
            )  # fmt: skip
    roll_up(BookingFigures)
    chosen = {"source": "bookings", "measures": ["bookings"], "dimensions": ["channel"],
              "chart": "bars"}  # fmt: skip
    report = custom.report_of(1, "All", custom.read(chosen))

    def rows(actor: Any) -> list[tuple[str, int]]:
        with acting(actor), begin() as session:
            found = session.execute(report.query(DAYS, Filters(), Grain.DAY))
            return sorted((row.channel, row.bookings) for row in found)

    assert rows(vendor_actor(vendor)) == [("online", 5), ("phone", 4)]
    assert rows(SYSTEM) == [("online", 5)]

    def in_all(actor: Any, *channels: str) -> list[int]:
        by_day = custom.report_of(1, "All", custom.read({**chosen, "dimensions": ["time"]}))
        with acting(actor), begin() as session:
            asked = by_day.query(DAYS, Filters(channels=channels), Grain.DAY)
            return [row.bookings for row in session.execute(asked)]

    # what a filter leaves out, or takes in, is not told by taking one report from another
    assert in_all(SYSTEM) == [9]
    assert in_all(SYSTEM, "online") == []
    assert in_all(SYSTEM, "online", "phone") == []
    assert in_all(vendor_actor(vendor), "online") == [5]


def test_over_vendors_a_report_is_worked_out_behind_the_page(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(admin())
    slug = slug_of(make_one(panel, shared_with="analysts"))
    assert "Work them out" in text_of(panel.get(f"/admin/reports/{slug}").text)
    panel.as_(analyst())
    assert panel.get(f"/admin/reports/{slug}").status_code == 200


def test_what_is_kept_of_a_report_that_was_changed_since_is_not_shown(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(admin())
    slug = slug_of(make_one(panel))
    address = f"/admin/reports/{slug}"
    assert panel.post(f"{address}/run", follow_redirects=False).status_code == 303
    with acting(SYSTEM), begin() as session:
        number = session.scalars(select(ReportRun.id)).one()
    work_out.apply(kwargs={"run_id": number})
    assert "Worked out" in text_of(panel.get(address).text)
    slug_of(panel.post(
        f"/admin/reports/own/{custom.number_of(slug)}/edit", follow_redirects=False,
        data=FORM | {"measures": ["pieces"], "dimensions": ["channel", ""]},
    ))  # fmt: skip
    changed = panel.get(address)
    assert changed.status_code == 200
    assert "Work them out" in text_of(changed.text)


def test_it_is_first_mailed_on_the_next_morning_monday_or_first(vendor: int) -> None:
    friday = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with acting(vendor_actor(vendor)), begin() as session:
        for every, day in ((SentEvery.DAY, 21), (SentEvery.WEEK, 23), (SentEvery.MONTH, 1)):
            at = custom_reports.next_send(session, vendor, every, friday)
            assert at is not None
            assert (at.day, at.hour) == (day, 7)
        assert custom_reports.next_send(session, vendor, SentEvery.NEVER, friday) is None


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    with PostOffice() as office:
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{office.port}")
        monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
        settings.cache_clear()
        yield office
    settings.cache_clear()


def test_its_figures_are_mailed_to_everybody_who_has_it(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    somebody(vendor), somebody(vendor, "staff")
    make_one(panel, sent_every="day", shared_with="managers")
    with acting(SYSTEM), begin() as session:
        row = session.scalars(select(CustomReport)).one()
        row.next_send_at = clock.now() - timedelta(days=3)
        number = row.id
    with acting(SYSTEM):
        assert (send_due.apply().get(), send_due.apply().get()) == (1, 0)
    with acting(SYSTEM), begin() as session:
        promised = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == custom_reports.SEND)
        ).all()
        assert [one.payload["report_id"] for one in promised] == [number]
        row = session.get_one(CustomReport, number)
        assert row.next_send_at is not None
        assert row.next_send_at > clock.now()
        task_id = f"outbox-{promised[0].id}"
    for _ in range(2):
        send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}, task_id=task_id)
    letters = post.box.letters
    assert len(letters) == 2, "two managers have it, and a repeat is no second mail"
    told = [one.get_content() for one in letters]
    assert all("1500" in text and "480" in text for text in told), told[0]


def test_an_address_that_is_refused_keeps_nobody_else_from_the_figures(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    people = [somebody(vendor) for _ in range(3)]
    panel.as_(replace(manager(vendor), user_id=people[0]))
    number = custom.number_of(slug_of(make_one(panel, shared_with="managers", sent_every="day")))
    with acting(SYSTEM), begin() as session:
        emails = sorted(session.scalars(select(User.email).where(User.id.in_(people))))
    given = {"vendor_id": vendor, "report_id": number}
    post.box.refused = {emails[0]: "550 5.1.1 nobody of this name"}
    assert send_figures.apply(kwargs=given, task_id="once").get() == 2
    post.box.refused = {emails[0]: "452 4.2.2 the box is full"}
    with pytest.raises(mail.RecipientPutOff):  # the outbox tries it again
        send_figures.apply(kwargs=given, task_id="twice").get()
    assert [to for _, to in post.box.envelopes] == [[emails[1]], [emails[2]]] * 2


def test_a_mail_has_the_first_rows_and_says_how_many_more_there_are(
    panel: PanelClient, vendor: int, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    number = custom.number_of(slug_of(make_one(panel, dimensions=["item", ""], sent_every="day")))
    monkeypatch.setattr(tasks.reports, "MOST_ROWS", 1)
    sent = send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}, task_id="again")
    assert sent.get() == 1
    (told,) = (one.get_content() for one in post.box.letters)
    lines = [" ".join(line.split()) for line in told.splitlines() if line]
    assert lines[3:6] == ["Item Revenue Refunds", "Service 1500 0", "More in the report: 1."]


def test_a_mail_says_words_as_people_read_them_and_whose_figures_they_are(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    made = {"dimensions": ["channel", "kind"], "channel": "walk_in", "sent_every": "day"}
    number = custom.number_of(slug_of(make_one(panel, **made)))
    assert send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}).get() == 1
    with acting(admin_actor()), begin() as session:
        make.figures(session, HourFigures, vendor_id=vendor, starts_on=date(2026, 11, 20),
                     weekday=5, hour=9, bookings=2, minutes=90)  # fmt: skip
    roll_up(HourFigures)
    made = {"name": "Hours", "source": "hours", "measures": ["minutes"],
            "dimensions": ["weekday", ""], "sent_every": "day"}  # fmt: skip
    number = custom.number_of(slug_of(make_one(panel, **made)))
    assert send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}).get() == 1
    first, second = (
        [" ".join(line.split()) for line in one.get_content().splitlines() if line]
        for one in post.box.letters
    )
    assert first[3:6] == [
        "Only Walk-in", "Channel Kind Revenue Refunds", "Walk-in Service 1500 0",
    ]  # fmt: skip
    assert second[3:5] == ["Weekday Time booked, minutes", "Fri 90"]


def test_days_that_have_become_too_many_are_said_in_the_mail(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    days = {"period": "", "carried-from": "2016-12-01", "sent_every": "day"}
    number = custom.number_of(slug_of(make_one(panel, **days)))
    with clock.stopped_at(datetime(2026, 12, 20, 9, tzinfo=UTC)):
        given = {"vendor_id": vendor, "report_id": number}
        assert send_figures.apply(kwargs=given, task_id="later").get() == 1
    (told,) = (one.get_content() for one in post.box.letters)
    assert "longer than 10 years: choose fewer days" in told
    assert f"/admin/reports/own-{number}" in told


def test_a_report_of_what_is_no_longer_counted_is_put_together_anew(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    me = somebody(vendor)
    panel.as_(replace(manager(vendor), user_id=me))
    slug = slug_of(make_one(panel, shared_with="managers", sent_every="day"))
    number = custom.number_of(slug)
    for definition in ({"source": "smells"}, {"source": "sales", "measures": ["gone"]}, {}):
        with acting(SYSTEM), begin() as session:
            session.get_one(CustomReport, number).definition_json = dict(definition)
        text = text_of(panel.get("/admin/reports").text)
        assert "Ours What it counted is no longer on the list: choose anew" in text
        assert panel.get(f"/admin/reports/{slug}").status_code == 404
        assert panel.get(f"/admin/reports/own/{number}/edit").status_code == 200
        sent = send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}, task_id="a")
        assert (sent.get(), post.box.letters) == (0, [])
    panel.as_(replace(manager(vendor), user_id=somebody(vendor)))
    assert "Ours" not in text_of(panel.get("/admin/reports").text)
    panel.as_(replace(manager(vendor), user_id=me))
    saved = panel.post(f"/admin/reports/own/{number}/edit", data=FORM, follow_redirects=False)
    assert panel.get(f"/admin/reports/{slug_of(saved)}").status_code == 200


def test_a_report_that_is_gone_is_mailed_to_nobody(panel: PanelClient, vendor: int) -> None:
    sent = send_figures.apply(kwargs={"vendor_id": vendor, "report_id": 10**9})
    assert sent.get() == 0


def kept(panel: PanelClient, **other: Any) -> int:
    """The id of a report that is put together and mailed every morning."""
    number = custom.number_of(slug_of(make_one(panel, sent_every="day", **other)))
    assert number is not None
    return number


def mailed(vendor: int | None, number: int) -> int:
    sent: int = send_figures.apply(kwargs={"vendor_id": vendor, "report_id": number}).get()
    return sent


def person(role: str | None = None, **fields: Any) -> int:
    """The id of a user of the marketplace."""
    with acting(admin_actor()), begin() as session:
        return make.user(session, role=role, **fields).id


def changed(user_id: int, **values: Any) -> None:
    with acting(SYSTEM), begin() as session:
        session.execute(update(User).where(User.id == user_id).values(**values))


def addresses(post: PostOffice) -> list[str]:
    return sorted(str(one["To"]) for one in post.box.letters)


def test_an_admin_who_put_it_together_inside_a_vendor_gets_it(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    """Vendors do not see admins; who is written to is the marketplace's to know."""
    boss = person("admin", email="boss@example.com")
    inside = Actor(DatabaseRole.VENDOR, vendor, boss, PanelRole.ADMIN)
    panel.as_(inside)
    number = kept(panel)
    assert mailed(vendor, number) == 1
    assert addresses(post) == ["boss@example.com"]
    assert "1500" in post.box.letters[0].get_content()
    changed(boss, role="analyst")
    assert mailed(vendor, number) == 0
    changed(boss, role=None)
    assert mailed(vendor, number) == 0


@pytest.mark.parametrize("gone", ["inactive", "staff", "left", "analyst"])
def test_it_ends_with_the_place_of_the_one_who_made_it(
    panel: PanelClient, vendor: int, post: PostOffice, gone: str
) -> None:
    """Nobody else could stop it."""
    maker = somebody(vendor)
    somebody(vendor)
    number = kept(panel.as_(replace(manager(vendor), user_id=maker)), shared_with="managers")
    assert mailed(vendor, number) == 2
    place = VendorUser.user_id == maker
    if gone == "left":
        with acting(SYSTEM), begin() as session:
            session.execute(delete(VendorUser).where(place))
    elif gone == "staff":
        with acting(SYSTEM), begin() as session:
            session.execute(update(VendorUser).where(place).values(role="staff"))
    else:
        changed(maker, **{"is_active": False} if gone == "inactive" else {"role": "analyst"})
    assert mailed(vendor, number) == 0


@pytest.mark.parametrize("gone", ["inactive", "staff", "left"])
def test_what_is_shared_by_somebody_who_has_left_is_changed_and_removed_by_who_has_it(
    panel: PanelClient, vendor: int, post: PostOffice, gone: str
) -> None:
    maker, heir, colleague = (somebody(vendor) for _ in range(3))
    panel.as_(replace(manager(vendor), user_id=maker))
    first, second = (kept(panel, name=n, shared_with="managers") for n in ("One", "Two"))
    private = kept(panel, name="Mine")
    with acting(SYSTEM), begin() as session:  # what cannot be drawn any more is in the way too
        session.get_one(CustomReport, second).definition_json = {"source": "smells"}
    panel.as_(replace(manager(vendor), user_id=heir))
    for number in (first, second):
        assert panel.get(f"/admin/reports/own/{number}/edit").status_code == 404
    with acting(SYSTEM), begin() as session:
        if gone == "inactive":
            session.execute(update(User).where(User.id == maker).values(is_active=False))
        elif gone == "staff":
            session.execute(
                update(VendorUser).where(VendorUser.user_id == maker).values(role="staff")
            )
        else:
            session.execute(delete(VendorUser).where(VendorUser.user_id == maker))
    assert panel.get(f"/admin/reports/own/{private}/edit").status_code == 404
    assert "Two What it counted is no longer on the list" in text_of(
        panel.get("/admin/reports").text
    )
    form = panel.get(f"/admin/reports/own/{first}/edit").text
    assert "Whoever made it has left: saved by you, it is yours." in text_of(form)
    for other in (staff(vendor), replace(manager(make.new_vendor(name="B")), user_id=maker)):
        panel.as_(other)
        assert panel.post(f"/admin/reports/own/{second}/remove").status_code in (403, 404)
    panel.as_(replace(manager(vendor), user_id=heir))
    gone_now = panel.post(f"/admin/reports/own/{second}/remove", follow_redirects=False)
    assert gone_now.status_code == 303
    assert mailed(vendor, first) == 0
    data = FORM | {"name": "One", "sent_every": "day", "shared_with": "managers"}
    slug_of(panel.post(f"/admin/reports/own/{first}/edit", data=data, follow_redirects=False))
    assert mailed(vendor, first) == 2, "the heir and the colleague"
    panel.as_(replace(manager(vendor), user_id=colleague))
    assert panel.post(f"/admin/reports/own/{first}/remove").status_code == 404, "it has a maker"


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": "analyst"}])
def test_an_admin_removes_the_marketplaces_report_of_an_admin_who_has_left(
    panel: PanelClient, vendor: int, values: dict[str, Any]
) -> None:
    boss = person("admin")
    number = kept(panel.as_(replace(admin(), user_id=boss)), shared_with="analysts")
    panel.as_(replace(admin(), user_id=person("admin")))
    assert panel.post(f"/admin/reports/own/{number}/remove").status_code == 404
    changed(boss, **values)
    panel.as_(replace(analyst(), user_id=person("analyst")))
    assert panel.post(f"/admin/reports/own/{number}/remove").status_code == 403
    panel.as_(replace(admin(), user_id=person("admin")))
    gone = panel.post(f"/admin/reports/own/{number}/remove", follow_redirects=False)
    assert gone.status_code == 303
    with acting(SYSTEM), begin() as session:
        assert session.get(CustomReport, number) is None


def test_a_vendor_that_is_suspended_is_sent_nothing(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    number = kept(panel.as_(replace(manager(vendor), user_id=somebody(vendor))))
    with acting(SYSTEM), begin() as session:
        session.execute(update(Vendor).where(Vendor.id == vendor).values(status="suspended"))
    assert mailed(vendor, number) == 0


def test_it_is_mailed_to_the_roles_it_is_shared_with(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    boss, _, _ = (person(role) for role in ("admin", "analyst", None))
    panel.as_(replace(admin(), user_id=boss))
    for shared, to in (("nobody", 1), ("managers", 1), ("analysts", 2)):
        number = kept(panel, name=shared, shared_with=shared)
        assert mailed(None, number) == to, shared
        assert mailed(vendor, number) == 0, "a vendor is mailed nothing of the marketplace's"


def test_the_letter_names_the_days_it_is_about(
    panel: PanelClient, vendor: int, post: PostOffice
) -> None:
    slug = slug_of(make_one(panel.as_(replace(manager(vendor), user_id=somebody(vendor)))))
    number = custom.number_of(slug)
    assert number is not None
    panel.post(
        f"/admin/reports/own/{number}/edit", follow_redirects=False,
        data=FORM | {"period": "", "carried-from": "2026-11-16", "carried-to": "2026-11-16"},
    )  # fmt: skip
    assert mailed(vendor, number) == 1
    (letter,) = post.box.letters
    assert letter["Subject"] == "Ours: 16 November 2026 to 16 November 2026"
    assert "480" not in letter.get_content()


def test_sources_know_what_they_group_by() -> None:
    tables = {"sales": ItemFigures, "bookings": BookingFigures, "team": StaffFigures,
              "hours": HourFigures}  # fmt: skip
    assert {key: source.table for key, source in custom.SOURCES.items()} == tables
    for source in custom.SOURCES.values():
        for one in source.dimensions:
            assert all(hasattr(source.table, key) for key in custom.DIMENSIONS[one].keys)
    assert "product" in SOLD
