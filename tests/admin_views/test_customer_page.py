"""A customer's page, and what is changed on it in place."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import interests, suppressions
from app.tenancy import SYSTEM, acting
from models.customers import Address, Consent, Customer, CustomerPreference
from models.suppressions import SuppressionReason
from tests import make
from tests.admin_views.customer_house import (
    BETA,
    at,
    customer,
    loaded,
    post,
    statements,
    tagged,
)
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(application())


def page_of(number: int) -> str:
    return f"/admin/customer/details/{number}"


def busy(house: House, **fields: Any) -> int:
    """A customer with something of everything."""
    with at(house) as session:
        one = make.customer(session, **fields)
        make.address(session, customer=one)
        make.consent(session, customer=one)
        make.holding(session, customer=one)
        make.membership(session, customer=one)
        make.interest(session, customer=one)
        make.task(session, customer=one, title="Call back")
        make.order(session, customer=one)
        make.booking(session, customer=one, starts_at=clock.now() + timedelta(days=3))
        make.booking(session, customer=one, status="completed", starts_at=make.NOON)
        number = int(one.id)
    tagged(house, number, "vip", "colour")
    return number


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return found.group(1).replace("&#43;", "+")


def test_the_page_shows_everything_about_a_customer(browser: Browser, house: House) -> None:
    number = busy(house, full_name="Noor van den Heuvel", phone="+351912345678")
    page = browser.as_("staff@alpha.example").get(page_of(number))
    assert page.status_code == 200
    for said in (
        "Noor van den Heuvel", "+351 912 345 678", "vip", "Rua Garrett 1", "Coming up",
        "Call back", "Everything", "Preferences", "Consent", "Holdings", "Spent",
    ):  # fmt: skip
        assert said in page.text, said
    assert "Merge with another" not in page.text
    assert "Forget for good" not in page.text
    as_manager = browser.as_("manager@alpha.example").get(page_of(number)).text
    assert "Merge with another" in as_manager
    assert "Forget for good" in as_manager
    assert "Archive customer" in as_manager


@pytest.mark.parametrize("tab", ["bookings", "orders", "tasks", "holdings", "changes", "nonsense"])
def test_the_time_line_is_narrowed_by_tabs(browser: Browser, house: House, tab: str) -> None:
    number = busy(house)
    answer = browser.as_("staff@alpha.example").get(f"{page_of(number)}?tab={tab}&earlier=x~y")
    assert answer.status_code == 200
    assert ("Call back" in answer.text.split('<aside class="stack"')[0]) is (
        tab in ("tasks", "nonsense")
    )


def test_earlier_entries_follow(browser: Browser, house: House) -> None:
    with at(house) as session:
        one = make.customer(session)
        for n in range(40):
            due = make.NOON - timedelta(days=n)
            make.task(session, customer=one, title=f"Task number {n:02}", due_at=due)
        number = int(one.id)
    browser.as_("staff@alpha.example")
    first = browser.get(f"{page_of(number)}?tab=tasks").text
    link = re.search(r'href="(/admin/customer/details/[^"]*earlier=[^"]*)"', first)
    assert link is not None
    second = browser.get(link.group(1).replace("&amp;", "&")).text
    line = [
        set(re.findall(r"Task number \d\d", p.split('<aside class="stack"')[0]))
        for p in (first, second)
    ]
    assert len(line[0]) == 25
    assert len(line[1]) == 15
    assert not line[0] & line[1]


@pytest.mark.parametrize("bad", ["0", "-1", "abc", "9" * 30, "1e3", "%00", "..%2f"])
def test_garbage_ids_are_not_found(browser: Browser, bad: str) -> None:
    browser.as_("manager@alpha.example")
    assert browser.get(f"/admin/customer/details/{bad}").status_code == 404
    for command in ("status", "tag", "contact", "address", "archive", "forget"):
        answer = post(browser, f"/admin/customer/{bad}/{command}", status="active", sure="forget")
        assert answer.status_code in (404, 405), (bad, command)


COMMANDS: dict[str, dict[str, str]] = {
    "status": {"status": "inactive"},
    "tag": {"name": "stolen"},
    "untag": {"name": "vip"},
    "contact": {"full_name": "Stolen", "seen": "2026-01-01T00:00:00+00:00"},
    "address": {"line1": "Stolen street"},
    "address/remove": {"id": "1"},
    "consents": {"email-marketing": "no"},
    "preferences": {"channel": "sms"},
    "likes": {"add": "1"},
    "archive": {},
    "restore": {},
    "forget": {"sure": "forget"},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_another_vendors_customer_is_not_there(
    browser: Browser, house: House, command: str
) -> None:
    theirs = customer(house, BETA, full_name="Bert Beta", email="bert@example.com")
    before = loaded(theirs)
    browser.as_("manager@alpha.example")
    assert browser.get(page_of(theirs)).status_code == 404
    answer = post(browser, f"/admin/customer/{theirs}/{command}", **COMMANDS[command])
    assert answer.status_code == 404, answer.text[-500:]
    after = loaded(theirs)
    assert (after.full_name, after.status, after.archived_at) == (before.full_name, "active", None)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_analyst_changes_nothing(browser: Browser, house: House, command: str) -> None:
    number = customer(house)
    browser.as_("analyst@market.example")
    answer = post(browser, f"/admin/customer/{number}/{command}", **COMMANDS[command])
    assert answer.status_code == 403


@pytest.mark.parametrize("command", ["archive", "restore", "forget"])
def test_staff_do_not_put_files_away(browser: Browser, house: House, command: str) -> None:
    number = customer(house)
    browser.as_("staff@alpha.example")
    answer = post(browser, f"/admin/customer/{number}/{command}", sure="forget")
    assert answer.status_code == 403


@pytest.mark.parametrize("who", ["staff@alpha.example", "admin@market.example"])
def test_status_and_tags_are_one_click_with_a_way_back(
    browser: Browser, house: House, who: str
) -> None:
    number = customer(house)
    browser.as_(who)
    assert post(browser, f"/admin/customer/{number}/status", status="inactive").status_code == 303
    assert loaded(number).status == "inactive"
    page = browser.get(page_of(number)).text
    assert f'action="/admin/customer/{number}/status"' in page.split("bk-toasts")[1]
    assert post(browser, f"/admin/customer/{number}/tag", name=" VIP ").status_code == 303
    assert 'title="vip"' in browser.get(page_of(number)).text
    post(browser, f"/admin/customer/{number}/untag?name=vip")
    assert 'title="vip"' not in browser.get(page_of(number)).text.split("bk-toasts")[0]


@pytest.mark.parametrize("status", ["", "gone", "ACTIVE", "active\n", "x" * 9000])
def test_an_unknown_status_is_refused_in_a_sentence(
    browser: Browser, house: House, status: str
) -> None:
    number = customer(house)
    browser.as_("staff@alpha.example")
    answer = post(browser, f"/admin/customer/{number}/status", status=status)
    assert answer.status_code == 303
    assert loaded(number).status == "active"
    assert "choose one of the list" in browser.get(page_of(number)).text


@pytest.mark.parametrize("name", ["", "   ", "x" * 400, "\x7f"])
def test_a_tag_that_is_none_is_refused(browser: Browser, house: House, name: str) -> None:
    number = customer(house)
    browser.as_("staff@alpha.example")
    assert post(browser, f"/admin/customer/{number}/tag", name=name).status_code == 303
    assert "This is no tag" in browser.get(page_of(number)).text


def test_the_contact_is_changed_in_place(browser: Browser, house: House) -> None:
    number = customer(house, full_name="Ana")
    browser.as_("staff@alpha.example")
    typed = {
        "full_name": "Ana Alves", "phone": "912 345 678", "email": "ANA@Example.com",
        "birthday": "1990-02-28", "note": "Likes tea\nand cake",
        "seen": seen(browser.get(page_of(number)).text),
    }  # fmt: skip
    assert post(browser, f"/admin/customer/{number}/contact", **typed).status_code == 303
    after = loaded(number)
    assert (after.full_name, after.phone, after.email) == (
        "Ana Alves", "+351912345678", "ana@example.com",
    )  # fmt: skip
    assert after.note == "Likes tea\nand cake"


def test_what_cannot_be_read_stays_typed_with_a_sentence(browser: Browser, house: House) -> None:
    number = customer(house, full_name="Ana")
    browser.as_("staff@alpha.example")
    typed = {
        "full_name": "<script>x</script>", "phone": "12", "email": "kept@example.com",
        "seen": seen(browser.get(page_of(number)).text),
    }  # fmt: skip
    answer = post(browser, f"/admin/customer/{number}/contact", **typed)
    assert answer.status_code == 400
    assert "This is no phone number" in answer.text
    assert 'value="kept@example.com"' in answer.text
    assert "<script>x" not in answer.text
    assert 'id="contact" aria-labelledby="contact-t" data-open-now' in answer.text
    assert loaded(number).full_name == "Ana"


def test_two_people_saving_at_once_lose_nothing(browser: Browser, house: House) -> None:
    number = customer(house, full_name="Ana")
    with acting(SYSTEM), begin() as session:
        long_ago = clock.now() - timedelta(hours=1)
        session.execute(
            Customer.__table__.update().where(Customer.id == number).values(updated_at=long_ago)
        )
    browser.as_("staff@alpha.example")
    stale = seen(browser.get(page_of(number)).text)
    first = post(browser, f"/admin/customer/{number}/contact", full_name="First", seen=stale)
    assert first.status_code == 303
    second = post(browser, f"/admin/customer/{number}/contact", full_name="Second", seen=stale)
    assert second.status_code == 400
    assert "Somebody changed this meanwhile" in second.text
    assert 'value="Second"' in second.text
    assert loaded(number).full_name == "First"
    for bad in ("", "never", "2026-01-01", "9" * 400):
        again = post(browser, f"/admin/customer/{number}/contact", full_name="Third", seen=bad)
        assert again.status_code == 400
    assert loaded(number).full_name == "First"


def test_addresses_are_added_corrected_and_removed(browser: Browser, house: House) -> None:
    number, other = customer(house), customer(house)
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/address"
    assert post(browser, url, line1="Rua A 1", city="Évora", country="pt").status_code == 303
    with at(house) as session:
        known = session.scalars(select(Address).where(Address.customer_id == number)).one()
        address = known.id
        assert (known.city, known.country) == ("Évora", "PT")
    refused = post(browser, url, id=str(address), line1="Rua B 2", country="XYZ")
    assert refused.status_code == 400
    assert "no such country" in refused.text
    assert 'value="Rua B 2"' in refused.text
    empty = post(browser, url)
    assert "This address is empty" in empty.text
    foreign = f"/admin/customer/{other}/address"
    assert post(browser, foreign, id=str(address), line1="Stolen").status_code == 404
    assert post(browser, foreign + "/remove", id=str(address)).status_code == 404
    assert post(browser, url + "/remove", id=str(address)).status_code == 303
    with at(house) as session:
        assert session.scalars(select(Address).where(Address.customer_id == number)).all() == []


def test_consents_are_written_once_and_never_over(browser: Browser, house: House) -> None:
    number = customer(house, email="a@example.com")
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/consents"
    said = {"email-marketing": "yes", "sms-reminder": "no", "nonsense-marketing": "yes"}
    for _ in range(2):
        assert post(browser, url, proof="at the counter", **said).status_code == 303
    post(browser, url, **{"email-marketing": "no"})
    with at(house) as session:
        rows = session.scalars(select(Consent).order_by(Consent.id)).all()
        assert [(r.channel, r.purpose, r.granted) for r in rows] == [
            ("email", "marketing", True), ("sms", "reminder", False), ("email", "marketing", False),
        ]  # fmt: skip
        assert rows[0].proof == "at the counter"
        assert rows[0].user_id == house.users["staff@alpha.example"]


def test_preferences_and_preferred_categories(browser: Browser, house: House) -> None:
    number = customer(house)
    with acting(SYSTEM), begin() as session:
        category = make.category(session, name="Balayage").id
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/preferences"
    half = post(browser, url, channel="sms", quiet_from="20:00")
    assert half.status_code == 400
    assert "fill in both, or neither" in half.text
    bad = post(browser, url, quiet_from="late", quiet_until="08:00")
    assert "This is no time" in bad.text
    assert post(browser, url, channel="sms", quiet_from="20:00", quiet_until="08:00").status_code
    with at(house) as session:
        kept = session.scalars(select(CustomerPreference)).one()
        assert (kept.channel, kept.quiet_from.isoformat()) == ("sms", "20:00:00")  # type: ignore[union-attr]
    found = browser.get("/admin/customer/lookup/category?term=balay").json()["results"]
    assert [f["id"] for f in found] == [str(category)]
    post(browser, f"/admin/customer/{number}/likes", add=str(category))
    assert "No longer likes Balayage" in browser.get(page_of(number)).text
    post(browser, f"/admin/customer/{number}/likes", remove=str(category))
    assert "No longer likes Balayage" not in browser.get(page_of(number)).text
    post(browser, f"/admin/customer/{number}/likes", add="999999999")
    assert "choose from the list" in browser.get(page_of(number)).text


def test_an_address_at_which_nothing_arrives_is_written_to_again(
    browser: Browser, house: House
) -> None:
    number = customer(house, email="ana@example.com", phone="+31612345678")
    other = customer(house, email="bo@example.com")
    ids = {}
    with at(house) as session:
        vendor_id = house.vendors["alpha"]
        for address in ("ana@example.com", "bo@example.com"):
            ids[address] = suppressions.suppress(
                session, vendor_id=vendor_id, channel="email", address=address,
                reason=SuppressionReason.BOUNCED, source="provider",
            )  # fmt: skip
        suppressions.suppress(
            session, vendor_id=vendor_id, channel="sms", address="+31612345678",
            purpose="marketing", reason=SuppressionReason.UNSUBSCRIBED, source="text message",
        )  # fmt: skip
    browser.as_("staff@alpha.example")
    page = browser.get(page_of(number)).text
    assert "nothing arrives at ana@example.com" in page
    assert page.count("Write there again") == 1
    url = f"/admin/customer/{number}/reach"
    for wrong in (str(ids["bo@example.com"]), "", "x", "9" * 30):
        assert post(browser, url, address=wrong).status_code == 404
    assert post(browser, url, address=str(ids["ana@example.com"])).status_code == 303
    assert "Write there again" not in browser.get(page_of(number)).text
    assert "Write there again" in browser.get(page_of(other)).text


def test_a_push_address_is_kept_when_hours_are_changed(browser: Browser, house: House) -> None:
    number = customer(house)
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/preferences"
    bad = post(browser, url, push_address="two words")
    assert bad.status_code == 400
    assert "This is no push address" in bad.text
    assert 'value="two words"' in bad.text
    assert post(browser, url, push_address="device-1").status_code == 303
    assert 'value="device-1"' in browser.get(page_of(number)).text


def test_archive_restore_and_forget(browser: Browser, house: House) -> None:
    number = busy(house, full_name="Noor", email="noor@example.com")
    browser.as_("manager@alpha.example")
    assert post(browser, f"/admin/customer/{number}/archive").status_code == 303
    page = browser.get(page_of(number)).text
    assert "no list shows this customer" in page
    assert "data-open>Noor" not in browser.get("/admin/customer/list").text
    refused = post(browser, f"/admin/customer/{number}/contact", full_name="X", seen="")
    assert refused.status_code == 400
    assert "Somebody changed this meanwhile" in refused.text
    assert "restore the file" in post(browser, f"/admin/customer/{number}/preferences").text
    post(browser, f"/admin/customer/{number}/restore")
    assert loaded(number).archived_at is None
    post(browser, f"/admin/customer/{number}/forget", sure="no")
    assert loaded(number).full_name == "Noor"
    post(browser, f"/admin/customer/{number}/forget", sure="Forget")
    gone = browser.get(page_of(number)).text
    assert "Forgotten customer" in gone
    assert "only figures stay" in gone
    assert "noor@example.com" not in gone
    assert "Noor" not in gone.split("bk-toasts")[0]


def test_a_page_costs_few_statements(browser: Browser, house: House, db: Connection) -> None:
    number = busy(house, full_name="Noor van Heuvel", email="a@example.com", phone="+351912345678")
    browser.as_("manager@alpha.example")
    browser.get(page_of(number))
    with statements(db) as sent:
        browser.get(page_of(number))
    assert len(sent) <= 46, f"{len(sent)}\n" + "\n".join(s[:120] for s in sent)


def test_a_note_is_written_into_the_time_line(browser: Browser, house: House) -> None:
    number = customer(house)
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/log"
    assert f'action="{url}"' in browser.get(page_of(number)).text
    assert post(browser, url, text="Likes <b>tea").status_code == 303
    page = browser.get(page_of(number)).text
    assert "The note is added" in page
    assert "Likes &lt;b&gt;tea" in page
    [undo] = set(re.findall(r"/admin/task/remove/\d+", page))
    post(browser, undo)
    assert "Likes &lt;b&gt;tea" not in browser.get(f"{page_of(number)}?tab=tasks").text
    post(browser, url, text="  ")
    assert "There is nothing to keep yet" in browser.get(page_of(number)).text


def test_calls_letters_and_answers_are_written_into_the_conversation(
    browser: Browser, house: House
) -> None:
    number, theirs = customer(house), customer(house, BETA)
    browser.as_("staff@alpha.example")
    url = f"/admin/customer/{number}/talk"
    assert f'action="{url}"' in browser.get(page_of(number)).text
    said = {"out.phone": "Wants <b>Friday", "out.letter": "Sent the plan", "in.sms": "Yes please"}
    for what, body in said.items():
        assert post(browser, url, what=what, at="", body=body).status_code == 303
    before = "2026-01-05T10:00"
    assert post(browser, url, what="in.letter", at=before, body="Thanks").status_code == 303
    page = browser.get(f"{page_of(number)}?tab=messages").text
    for words in ("Wants &lt;b&gt;Friday", "Sent the plan", "Yes please", "SMS · from the customer",
                  "Logged", "Received"):  # fmt: skip
        assert words in page, words
    for field, wrong, sentence in (
        ("body", "  ", "There is nothing to send yet"),
        ("at", "2199-01-01T10:00", "choose a time that is past"), ("at", "soon", "This is no date"),
        ("what", "out.email", "Only calls and letters"), ("what", "x", "Only calls and"),
        ("body", "x" * 100_000, "This is too long"),
    ):  # fmt: skip
        values = {"what": "out.phone", "at": "", "body": "Kept words"} | {field: wrong}
        answer = post(browser, url, **values)
        assert (answer.status_code, sentence in answer.text) == (400, True), sentence
        assert ("Kept words" in answer.text) == (field != "body")
    assert (
        post(browser, f"/admin/customer/{theirs}/talk", what="out.phone", body="x").status_code
        == 404
    )


def test_nobody_writes_notes_on_others_or_archived_files(browser: Browser, house: House) -> None:
    theirs, gone = customer(house, BETA), customer(house, archived_at=clock.now())
    browser.as_("staff@alpha.example")
    assert post(browser, f"/admin/customer/{theirs}/log", text="x").status_code == 404
    assert f"/admin/customer/{gone}/log" not in browser.get(page_of(gone)).text
    post(browser, f"/admin/customer/{gone}/log", text="x")
    assert "restore the file" in browser.get(page_of(gone)).text


def test_the_spend_of_a_year_is_drawn_where_there_was_any(browser: Browser, house: House) -> None:
    idle = customer(house)
    with at(house) as session:
        buyer = make.customer(session)
        make.booking(
            session, customer=buyer, starts_at=clock.now() - timedelta(days=40), status="completed"
        )
        interests.rebuild(session, customer_ids=[buyer.id])
        bought = buyer.id
    browser.as_("staff@alpha.example")
    assert "Revenue, last 12 months" not in browser.get(page_of(idle)).text
    page = browser.get(page_of(bought)).text
    assert "Revenue, last 12 months" in page
    assert page.count('<rect class="c1"') == 1
