"""Rules, a day's work and usage on screen, from the first click to the last."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.database import begin
from app.tenancy import SYSTEM, Actor, DatabaseRole, PanelRole, acting, vendor_actor
from models.message_rules import MessageRule
from models.messages import Message
from models.outbox import OutboxMessage
from models.staff import StaffMember
from models.tasks import Task
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULE = {
    "event": "booking_reminder",
    "action": "message",
    "days": "1",
    "at": "18:00",
    "channel": "email",
}


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    return vendor


def put(vendor: int, noun: Any, **fields: Any) -> Any:
    with acting(vendor_actor(vendor)), begin() as session:
        return noun(session, **fields)


def every(vendor: int, model: Any) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def page(panel: PanelClient, path: str) -> str:
    answer = panel.get(f"/admin/{path}")
    assert answer.status_code == 200, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return text_of(answer.text)


def post(panel: PanelClient, path: str, status: int = 303, **data: Any) -> str:
    """The page that answers, or the one it leads to, as text."""
    answer = panel.post(f"/admin/{path}", data=data)
    assert answer.status_code == status, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    if status != 303:
        return text_of(answer.text)
    return text_of(panel.get(answer.headers["location"]).text)


# --- rules ----------------------------------------------------------------------------------


def test_a_rule_is_made_tried_changed_and_paused(panel: PanelClient, vendor: int) -> None:
    shown = post(panel, "message-rule/create", **RULE)
    assert "Booking is coming up" in shown
    assert "1 day before, at 18:00" in shown
    [rule] = every(vendor, MessageRule)
    at = f"message-rule/details/{rule.id}"
    with acting(vendor_actor(vendor)), begin() as session:
        reached = make.customer(session, full_name="Ana Alves", email="ana@example.com")
        unwilling = make.customer(session, full_name="Rui Reis", email="rui@example.com")
        make.consent(session, customer=unwilling, purpose="reminder", granted=False)
        for customer in (reached, unwilling):
            make.booking(
                session, customer=customer, starts_at=NOON + 3 * DAY, created_at=NOON - DAY
            )
        before = [session.scalar(select(func.count(m.id))) for m in (Message, OutboxMessage)]
    tried = page(panel, f"{at}?on=2026-11-22")
    assert "1 of 2 lines" in tried
    assert "Sunday 22 November, 18:00" in tried
    assert "does not want" in tried or "It was not sent" in tried
    assert "Nobody would get anything" in page(panel, f"{at}?on=2026-11-23")
    assert "This is no day" in page(panel, f"{at}?on=yesterday")
    with acting(vendor_actor(vendor)), begin() as session:
        after = [session.scalar(select(func.count(m.id))) for m in (Message, OutboxMessage)]
    assert after == before  # nothing was sent
    form = panel.form_values(f"/admin/message-rule/edit/{rule.id}")
    post(panel, f"message-rule/edit/{rule.id}", **form | {"days": "2"})
    assert "2 days before, at 18:00" in page(panel, at)
    assert "paused" in post(panel, f"message-rule/do/{rule.id}/pause")
    [rule] = every(vendor, MessageRule)
    assert (rule.version, rule.days, rule.paused_at is not None) == (2, 2, True)
    assert "1 of 2 lines" in page(panel, f"{at}?on=2026-11-21")  # paused, and tried all the same


def test_a_long_day_is_tried_page_by_page(panel: PanelClient, vendor: int) -> None:
    post(panel, "message-rule/create", **RULE)
    [rule] = every(vendor, MessageRule)
    with acting(vendor_actor(vendor)), begin() as session:
        for n in range(30):
            guest = make.customer(session, full_name=f"Guest {n:02}", email=f"g{n}@example.com")
            make.booking(session, customer=guest, starts_at=NOON + 3 * DAY, created_at=NOON - DAY)
    first = panel.get(f"/admin/message-rule/details/{rule.id}?on=2026-11-22")
    assert "25 of 25 lines" in text_of(first.text)
    href = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = text_of(panel.get(href.replace("&amp;", "&")).text)
    assert "5 of 5 lines" in second
    assert "Guest 29" in second


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"days": "", "at": "18:00"}, "may have begun"),
        ({"days": "", "at": ""}, "how long before"),
        ({"minutes": "30"}, "exclude each other"),
        ({"days": "9999999"}, "does not fit"),
        ({"action": "task"}, "what the task is called"),
        ({"event": "birthday", "plan": "1"}, "not here"),
        ({"event": ""}, "to correct"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    panel: PanelClient, vendor: int, typed: dict[str, str], sentence: str
) -> None:
    assert sentence in post(panel, "message-rule/create", 400, **RULE | typed)
    assert every(vendor, MessageRule) == []


def test_staff_read_rules_and_a_vendor_sees_none_of_anothers(
    panel: PanelClient, vendor: int
) -> None:
    theirs = put(make.new_vendor(), make.message_rule, name="Not yours")
    mine = put(vendor, make.message_rule, name="Mine")
    listed = page(panel, "message-rule/list")
    assert "Mine" in listed
    assert "Not yours" not in listed
    assert panel.get(f"/admin/message-rule/details/{theirs.id}").status_code == 404
    panel.as_(staff(vendor))
    assert "Try it on a day" not in page(panel, f"message-rule/details/{mine.id}")
    assert panel.post(f"/admin/message-rule/do/{mine.id}/pause").status_code == 403


# --- the day --------------------------------------------------------------------------------


@pytest.fixture
def me(panel: PanelClient, vendor: int) -> int:
    """A member of staff who is signed in."""
    with acting(SYSTEM), begin() as session:
        person = make.staff_member(session, name="Ana Alves", vendor_id=vendor)
        user = make.user(session)
        make.vendor_user(session, user=user, vendor_id=vendor, staff_member_id=person.id)
        panel.as_(Actor(DatabaseRole.VENDOR, vendor, user.id, PanelRole.STAFF))
        return person.id


def test_my_day_shows_mine_and_nobodys_and_narrows(
    panel: PanelClient, vendor: int, me: int
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        other = make.staff_member(session, name="Bea Brito")
        mine = session.get_one(type(other), me)
        caller = make.customer(session, full_name="Carla Costa", phone="+351912345678")
        make.task(session, title="Mine", assignee_id=me, due_at=NOON - HOUR, customer=caller)
        make.task(session, title="Of nobody", due_at=NOON + HOUR, kind="delivery_check")
        make.task(session, title="Hers", assignee_id=other.id, due_at=NOON)
        make.task(session, title="Of tomorrow", assignee_id=me, due_at=NOON + DAY)
        make.task(session, title="Some day", assignee_id=me, due_at=None, kind="replenishment")
        for person in (mine, other):
            customer = make.customer(session, full_name=f"Guest of {person.name}")
            make.booking(session, customer=customer, staff=person, starts_at=NOON + HOUR)
    shown = page(panel, "my-day")
    for words in ("My day", "Mine", "Of nobody", "Some day", "Guest of Ana", "Overdue", "912 345"):
        assert words in shown
    for words in ("Hers", "Of tomorrow", "Guest of Bea"):
        assert words not in shown
    everybody = page(panel, "my-day?who=all")
    assert "Hers" in everybody
    assert "Guest of Bea" in everybody
    checks = page(panel, "my-day?what=delivery_check")
    assert "Of nobody" in checks
    assert "Some day" not in checks
    assert "Hers" in page(panel, f"my-day?who={other.id}")
    assert page(panel, "my-day?who=9999999999999999999999&what=nothing")  # what cannot be read


def test_an_offer_is_told_as_an_offer_and_is_no_booking_to_come(
    panel: PanelClient, vendor: int, me: int
) -> None:
    until = NOON + timedelta(minutes=30)
    with acting(vendor_actor(vendor)), begin() as session:
        mine, hers = session.get_one(StaffMember, me), make.staff_member(session, name="Bea Brito")
        held = {"status": "pending", "held_until": until, "starts_at": NOON + 2 * HOUR}
        for name, staff, fields in (
            ("Asked For", mine, {"status": "pending", "starts_at": NOON + HOUR}),
            ("Offered One", mine, held), ("Offered Hers", hers, held),
            ("Offered Tomorrow", mine, held | {"starts_at": NOON + DAY}),
            ("Let Go", mine, held | {"status": "cancelled"}),
        ):  # fmt: skip
            customer = make.customer(session, full_name=name)
            make.booking(session, customer=customer, staff=staff, **fields)
    for who, offered in (("", ["Offered One"]), ("?who=all", ["Offered One", "Offered Hers"])):
        answer = panel.get(f"/admin/my-day{who}").text
        shown, card = text_of(answer), answer.partition('id="book-h"')[2].partition("</section>")[0]
        assert "Bookings to come 1 0 over" in shown
        bookings, title, offers = text_of(card).partition("Offered from the waitlist")
        assert title
        assert "Asked For" in bookings
        assert "Confirm" in bookings
        names = [f"Offered {name}" for name in ("One", "Hers", "Tomorrow")]
        assert [name for name in names if name in bookings] == []
        assert [name for name in names if name in offers] == offered
        assert offers.count("offered until 12:30") == len(offered)
        assert "Confirm" not in offers
        assert "Let Go" not in shown
    day = "/admin/booking/list?day_from=2026-11-20&day_to=2026-11-20&held=no"
    assert "1–1 of 1" in text_of(panel.get(f"{day}&status=pending&staff={me}").text)


def test_one_click_says_how_it_went_and_plans_the_next(
    panel: PanelClient, vendor: int, me: int
) -> None:
    task = put(vendor, make.task, title="Ring up", kind="replenishment", due_at=NOON - DAY)
    said = post(panel, f"my-day/{task.id}/done", quick="Has some left", who="all")
    assert "Done: Has some left. Once more in 14 days." in said
    done, planned = every(vendor, Task)
    assert (done.status, done.outcome) == ("done", "Has some left")
    assert (planned.title, planned.after_id, planned.kind) == ("Ring up", task.id, "replenishment")
    assert planned.due_at == NOON + 14 * DAY
    assert "open again" in post(panel, f"my-day/{task.id}/reopen")
    assert [t.status for t in every(vendor, Task)] == ["open", "cancelled"]


def test_words_of_ones_own_keep_what_was_typed_when_refused(
    panel: PanelClient, vendor: int, me: int
) -> None:
    task = put(vendor, make.task, title="Ask", due_at=NOON)
    typed = {"outcome": "Comes on Friday", "again_in_days": "never"}
    refused = panel.post(f"/admin/my-day/{task.id}/done", data=typed)
    assert refused.status_code == 400
    assert "This is no number of days" in text_of(refused.text)
    assert "Comes on Friday" in refused.text
    assert every(vendor, Task)[0].status == "open"
    post(panel, f"my-day/{task.id}/done", **typed | {"again_in_days": "3", "again": "Was it fine?"})
    done, planned = every(vendor, Task)
    assert (done.outcome, planned.title, planned.note) == (
        "Comes on Friday", "Was it fine?", "Comes on Friday",
    )  # fmt: skip
    assert "cannot become done" in post(panel, f"my-day/{task.id}/done", 400, quick="Done")


def test_a_day_is_one_vendors(panel: PanelClient, vendor: int) -> None:
    theirs = put(make.new_vendor(), make.task)
    assert panel.post(f"/admin/my-day/{theirs.id}/done", data={}).status_code == 404
    panel.as_(admin())
    assert "Choose a vendor" in page(panel, "my-day")


# --- usage ----------------------------------------------------------------------------------


def test_usage_is_listed_by_who_is_late_and_stands_on_the_customers_page(
    panel: PanelClient, vendor: int
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        product = make.product(session, name="Dog food")
        late, due, later = (
            make.customer(session, full_name=f"{n} Dias") for n in ("Ana", "Bo", "Cy")
        )
        for customer, next_on in (
            (late, date(2026, 11, 15)), (due, date(2026, 11, 22)), (later, date(2026, 12, 30)),
        ):  # fmt: skip
            make.usage(session, customer=customer, item_id=product.id, next_on=next_on)
        gone = make.customer(session, full_name="Cy Dias", archived_at=NOON)
        make.usage(session, customer=gone, item_id=product.id, next_on=date(2026, 11, 15))
        make.usage(session, customer=late, kind="visit", item_id=0, next_on=None, source=None,
                   interval_days=None)  # fmt: skip

    def listed(state: str) -> list[str]:
        answer = panel.get(f"/admin/usage/list?state={state}").text
        assert leaks(answer) is None
        body = text_of(answer.partition("<tbody")[2].partition("</tbody>")[0])
        return re.findall(r"(\w+|Late \d+) Dias", body)

    assert [listed(state) for state in ("late", "due", "lost")] == [["Ana"], ["Bo"], []]
    assert [listed(state) for state in ("", "all")] == [["Ana"], ["Ana", "Bo", "Cy", "Ana"]]
    with acting(vendor_actor(vendor)), begin() as session:
        for days in (40, 1, 100, 200):
            guest = make.customer(session, full_name=f"Late {days} Dias")
            make.usage(session, customer=guest, item_id=product.id,
                       next_on=(NOON - days * DAY).date())  # fmt: skip
    assert listed("") == ["Late 1", "Ana", "Late 40", "Late 100"]
    assert listed("lost") == ["Late 200"]
    shown = page(panel, "usage/list?state=late")
    assert "Dog food" in shown
    assert "5 days" in shown
    card = page(panel, f"customer/details/{late.id}")
    assert "every 30 days" in card
    assert "A visit" in card
