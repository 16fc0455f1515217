"""Somebody new, two files made one, one change to many, saved views."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from admin_views import customer_counts, running
from app.database import begin
from app.tenancy import SYSTEM, acting
from models.bulk import BulkJob
from models.customers import Customer, CustomerMerge
from models.tags import CustomerTag
from models.tasks import Task
from models.views import SavedView
from tests import make
from tests.admin_views.customer_house import BETA, at, customer, loaded, many, post, tagged
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

LIST = "/admin/customer/list"
CREATE = "/admin/customer/create"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled(BULK_INLINE_LIMIT="5"):
        yield


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    customer_counts.forget()
    running._kept.clear()


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(application())


def total(model: type) -> int:
    with acting(SYSTEM), begin() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def named(name: str) -> Customer | None:
    with acting(SYSTEM), begin() as session:
        return session.scalars(select(Customer).where(Customer.full_name == name)).first()


# --- their number elsewhere ------------------------------------------------------------------


def seen(browser: Browser, number: int) -> str:
    """When the customer's page was drawn, as its dialog tells."""
    page = browser.get(f"/admin/customer/details/{number}").text
    return str(re.findall(r'name="seen" value="([^"]*)"', page)[0])


def test_a_number_elsewhere_is_shown_searched_changed_and_nobody_elses(
    browser: Browser, house: House
) -> None:
    browser.as_("staff@alpha.example")
    first, other = customer(house, full_name="Ana Alves"), customer(house, full_name="Rui Reis")
    page = f"/admin/customer/details/{first}"
    assert "Elsewhere" not in browser.get(page).text
    typed = {"full_name": "Ana Alves", "reference": " K-0071 <b> ", "seen": seen(browser, first)}
    assert post(browser, f"/admin/customer/{first}/contact", **typed).status_code == 303
    assert "K-0071 &lt;b&gt;</dd>" in browser.get(page).text
    assert 'name="reference"' in browser.get(f"/admin/customer/edit/{first}").text
    found = browser.get(f"{LIST}?search=k-0071").text
    assert "Ana Alves" in found
    assert "Rui Reis" not in found
    typed = {"full_name": "Rui Reis", "reference": "K-0071 <b>", "seen": seen(browser, other)}
    refused = post(browser, f"/admin/customer/{other}/contact", **typed)
    assert refused.status_code == 400
    assert "Another customer has this number already" in refused.text
    long = post(browser, f"/admin/customer/{other}/contact", **typed | {"reference": "9" * 200})
    assert (long.status_code, "shorten it to 100" in long.text) == (400, True)
    with at(house), begin() as session:
        numbers = session.scalars(select(Customer.reference).order_by(Customer.id)).all()
    assert [number for number in numbers if number] == ["K-0071 <b>"]


# --- somebody new ----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [{"full_name": "Ana Alves"}, {"phone": "912 345 678"}])
def test_a_name_or_a_phone_is_enough(browser: Browser, house: House, typed: dict[str, str]) -> None:
    browser.as_("staff@alpha.example")
    assert browser.get(CREATE).status_code == 200
    answer = post(browser, CREATE, **typed)
    assert answer.status_code == 303
    made = loaded(int(answer.headers["location"].rsplit("/", 1)[1]))
    assert made.vendor_id == house.vendors["alpha"]
    assert (made.full_name, made.phone) in (("Ana Alves", None), (None, "+351912345678"))


def test_nothing_typed_is_lost_when_it_is_refused(browser: Browser, house: House) -> None:
    browser.as_("staff@alpha.example")
    answer = post(
        browser, CREATE, full_name="<script>x</script>", email="no address", note="a note"
    )
    assert answer.status_code == 400
    assert "This is no e-mail address" in answer.text
    assert 'value="no address"' in answer.text
    assert "a note" in answer.text
    assert "<script>x" not in answer.text
    empty = post(browser, CREATE)
    assert empty.status_code == 400
    assert "give a name, a phone number or an e-mail" in empty.text
    huge = post(browser, CREATE, full_name="x" * 9000, note="y" * 19_000)
    assert huge.status_code == 400
    assert "This is too long" in huge.text


def test_likely_duplicates_are_shown_while_typing(browser: Browser, house: House) -> None:
    number = customer(house, full_name="Ana Alves", phone="+351912345678")
    for n in range(9):
        customer(house, full_name=f"Ana Alves {n}")
    customer(house, BETA, full_name="Ana Alves", phone="+351912345678")
    browser.as_("staff@alpha.example")
    asked = {"full_name": "ana alves", "phone": "912345678"}
    found = browser.get("/admin/customer/duplicates", params=asked).json()["results"]
    assert len(found) == 5
    assert found[0]["url"] == f"/admin/customer/details/{number}"
    assert found[0]["sure"] is True
    for junk in ("%", "'", "x" * 5000, "\\", "😀"):
        answer = browser.get("/admin/customer/duplicates", params={"full_name": junk})
        assert answer.status_code == 200


def test_somebody_surely_known_is_asked_about_once(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana Alves", phone="+351912345678")
    browser.as_("staff@alpha.example")
    typed = {"full_name": "Ana A.", "phone": "912 345 678"}
    first = post(browser, CREATE, **typed)
    assert first.status_code == 400
    assert "Perhaps you know them already" in first.text
    assert 'name="anyway"' in first.text
    assert named("Ana A.") is None
    assert post(browser, CREATE, **typed, anyway="1").status_code == 303
    assert named("Ana A.") is not None


def test_an_admin_says_whose_customer_it_is(browser: Browser, house: House) -> None:
    browser.as_("admin@market.example")
    missing = post(browser, CREATE, full_name="Ana")
    assert missing.status_code == 400
    assert "The vendor is missing" in missing.text
    wrong = post(browser, CREATE, full_name="Ana", vendor_id="999999")
    assert "This vendor is not here" in wrong.text
    assert post(browser, CREATE, full_name="Ana", vendor_id=str(house.vendors[BETA])).status_code
    made = named("Ana")
    assert made is not None
    assert made.vendor_id == house.vendors[BETA]
    found = browser.get("/admin/customer/ajax/lookup?name=vendor&term=bet").json()["results"]
    assert [f["text"] for f in found] == ["Beta"]


def test_the_whole_form_creates_and_changes(browser: Browser, house: House) -> None:
    browser.as_("manager@alpha.example")
    typed = {
        "full_name": "Noor", "email": "NOOR@example.com", "phone": "912345678",
        "birthday": "1990-01-31", "channel": "online", "locale": "pt", "note": "hello",
    }  # fmt: skip
    made = post(browser, CREATE + "?all=1", **typed)
    assert made.status_code == 303, made.text[-2000:]
    known = named("Noor")
    assert known is not None
    assert (known.email, known.phone, known.channel) == (
        "noor@example.com", "+351912345678", "online",
    )  # fmt: skip
    url = f"/admin/customer/edit/{known.id}"
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', browser.get(url).text)
    assert seen is not None
    bad = post(browser, url, **{**typed, "email": "no address"}, seen=seen.group(1))
    assert bad.status_code == 400
    assert "no address" in bad.text
    good = post(browser, url, **{**typed, "full_name": "Noor II"}, seen=seen.group(1))
    assert good.status_code == 303, good.text[-2000:]
    late = post(browser, url, **{**typed, "full_name": "Noor III"}, seen=seen.group(1))
    assert late.status_code == 400
    assert "Somebody changed this meanwhile" in late.text
    assert loaded(known.id).full_name == "Noor II"


def test_all_fields_carry_what_was_typed_and_save_nothing(browser: Browser, house: House) -> None:
    browser.as_("admin@market.example")
    typed = {
        "full_name": "Ana <b>", "phone": "912", "email": "not yet", "channel": "phone",
        "note": "tall", "vendor_id": str(house.vendors[BETA]), "vendor_id_text": "Beta",
    }  # fmt: skip
    assert f'formaction="{CREATE}?all=1"' in browser.get(CREATE).text
    page = post(browser, CREATE + "?all=1", carry="1", **typed)
    assert page.status_code == 200
    assert 'name="birthday"' in page.text
    for shown in (
        'value="Ana &lt;b&gt;"',
        'value="912"',
        'value="not yet"',
        "tall",
        'value="Beta"',
    ):
        assert shown in page.text, shown
    assert "is-invalid" not in page.text
    assert total(Customer) == 0


def test_another_vendors_file_has_no_form(browser: Browser, house: House) -> None:
    theirs = customer(house, BETA)
    browser.as_("manager@alpha.example")
    assert browser.get(f"/admin/customer/edit/{theirs}").status_code == 404
    assert post(browser, f"/admin/customer/edit/{theirs}", full_name="x").status_code == 404


# --- merging ---------------------------------------------------------------------------------


def test_two_files_are_compared_merged_and_made_two_again(browser: Browser, house: House) -> None:
    left = customer(house, full_name="Ana Alves", email="ana@example.com")
    right = customer(house, full_name="Ana A.", phone="+351912345678")
    with at(house) as session:
        make.task(session, customer=session.get(Customer, right))
    browser.as_("manager@alpha.example")
    assert "Merge Ana Alves with" in browser.get(f"/admin/customer/{left}/merge").text
    page = browser.get(f"/admin/customer/{left}/merge?with={right}").text
    for said in ("Ana A.", "ana@example.com", "What comes together", 'name="field-full_name"'):
        assert said in page, said
    typed = {
        "with": str(right), "keep": "left", "field-full_name": "right", "field-email": "left",
        "field-phone": "right", "field-nonsense": "right",
    }  # fmt: skip
    answer = post(browser, f"/admin/customer/{left}/merge", **typed)
    assert answer.headers["location"] == f"/admin/customer/details/{left}"
    kept = loaded(left)
    assert (kept.full_name, kept.email, kept.phone) == (
        "Ana A.", "ana@example.com", "+351912345678",
    )  # fmt: skip
    moved = browser.get(f"/admin/customer/details/{right}")
    assert moved.headers["location"] == f"/admin/customer/details/{left}"
    stays = browser.get(f"/admin/customer/details/{left}").text
    undo = re.search(r"/admin/customer/merges/\d+/undo", stays)
    assert undo is not None
    assert "it can be undone for" in stays
    assert post(browser, undo.group()).status_code == 303
    assert loaded(left).full_name == "Ana Alves"
    assert loaded(right).archived_at is None
    post(browser, undo.group())
    again = browser.get(f"/admin/customer/details/{left}").text
    assert "Merge undone" in again or "already" in again or "own again" in again


def test_only_one_vendors_files_are_merged_and_only_by_managers(
    browser: Browser, house: House
) -> None:
    mine, theirs = customer(house), customer(house, BETA)
    url = f"/admin/customer/{mine}/merge"
    browser.as_("staff@alpha.example")
    assert browser.get(url).status_code == 403
    browser.as_("manager@alpha.example")
    assert browser.get(f"{url}?with={theirs}").status_code == 404
    assert post(browser, url, **{"with": str(theirs), "keep": "left"}).status_code == 404
    assert browser.get(f"{url}?with=abc").status_code == 404
    same = browser.get(f"{url}?with={mine}")
    assert same.status_code == 303
    browser.as_("admin@market.example")
    refused = post(browser, url, **{"with": str(theirs), "keep": "left"})
    assert refused.status_code in (303, 400)
    assert total(CustomerMerge) == 0
    assert post(browser, "/admin/customer/merges/999/undo").status_code == 404
    assert post(browser, "/admin/customer/merges/x/undo").status_code == 404


# --- many at once ----------------------------------------------------------------------------


def ticked(numbers: list[int], **more: str) -> dict[str, str]:
    return {"ids": ",".join(map(str, numbers)), "all": "", "fingerprint": "", **more}


def test_a_selection_is_tagged_and_untagged_again(browser: Browser, house: House) -> None:
    one, two, three = many(house, 3)
    tagged(house, two, "vip")
    browser.as_("staff@alpha.example")
    assert 'name="once"' in browser.get(LIST).text
    answer = post(browser, "/admin/customer/bulk/add_tag", **ticked([one, two], value="VIP"))
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert "done for 1 customer, 1 left as they were" in page
    assert "already has the tag" in page
    undo = re.search(r"/admin/customer/jobs/\d+/undo", page)
    assert undo is not None
    assert total(CustomerTag) == 2
    assert post(browser, undo.group()).status_code == 303
    assert total(CustomerTag) == 1
    assert three


def test_a_double_click_does_it_once(browser: Browser, house: House) -> None:
    numbers = many(house, 3)
    browser.as_("staff@alpha.example")
    typed = ticked(numbers, value="Call back", due="2026-12-01", once="one press")
    for _ in range(3):
        assert post(browser, "/admin/customer/bulk/create_task", **typed).status_code == 303
    assert total(Task) == 3
    assert total(BulkJob) == 1
    post(browser, "/admin/customer/bulk/create_task", **{**typed, "once": "another"})
    assert total(Task) == 6


def test_all_that_match_runs_as_a_job_that_can_be_left(browser: Browser, house: House) -> None:
    many(house, 8)
    customer(house, full_name="Not meant", status="inactive")
    browser.as_("staff@alpha.example")
    page = browser.get(f"{LIST}?status=active").text
    mark = re.search(r'name="fingerprint" value="([^"]+)"', page)
    assert mark is not None
    typed = {"all": "1", "ids": "", "fingerprint": mark.group(1), "value": "vip"}
    answer = post(browser, "/admin/customer/bulk/add_tag?status=active", **typed)
    job = answer.headers["location"]
    assert re.fullmatch(r"/admin/customer/jobs/\d+", job)
    shown = browser.get(job, headers={"accept": "text/html"}).text
    assert "You can leave this page" in shown
    assert "Tagging 8" in shown
    state = browser.get(f"{job}/state").json()
    assert (state["total"], state["finished"]) == (8, False)
    other = post(browser, "/admin/customer/bulk/add_tag?status=inactive", **typed)
    assert "The filters have changed" in browser.get(other.headers["location"]).text
    browser.as_("staff@beta.example")
    for path in (job, f"{job}/state"):
        assert browser.get(path).status_code == 404
    assert post(browser, f"{job}/undo").status_code == 404


@pytest.mark.parametrize(
    ("kind", "typed", "sentence"),
    [
        ("add_tag", {"ids": "", "value": "vip"}, "Nobody is selected"),
        ("add_tag", {"ids": "abc,-1,99999999999999999999", "value": "vip"}, "Nobody is selected"),
        ("add_tag", {"ids": "1", "value": ""}, "This is no tag"),
        ("set_status", {"ids": "1", "value": "gone"}, "There is no such status"),
        ("create_task", {"ids": "1", "value": "x", "due": "never"}, "This is no day"),
        ("create_task", {"ids": "1", "value": ""}, "Say what is to be done"),
    ],
)
def test_a_bulk_change_that_makes_no_sense_is_refused(
    browser: Browser, house: House, kind: str, typed: dict[str, str], sentence: str
) -> None:
    browser.as_("staff@alpha.example")
    answer = post(browser, f"/admin/customer/bulk/{kind}", **typed)
    assert answer.status_code == 303
    assert sentence in browser.get(answer.headers["location"]).text
    assert post(browser, "/admin/customer/bulk/export").status_code == 404


def test_others_customers_are_never_in_a_selection(browser: Browser, house: House) -> None:
    mine, theirs = customer(house), customer(house, BETA)
    browser.as_("staff@alpha.example")
    post(browser, "/admin/customer/bulk/set_status", **ticked([mine, theirs], value="inactive"))
    assert loaded(mine).status == "inactive"
    assert loaded(theirs).status == "active"


# --- saved views -----------------------------------------------------------------------------


def test_a_view_is_saved_opened_and_removed(browser: Browser, house: House) -> None:
    many(house, 2)
    browser.as_("staff@alpha.example")
    typed = {"name": "Regulars <b>", "query": "tag=vip&status=active&after=x&nonsense=1"}
    answer = post(browser, "/admin/customer/views/save", **typed)
    assert answer.headers["location"] == f"{LIST}?status=active&tag=vip"
    page = browser.get(answer.headers["location"]).text
    assert "Regulars &lt;b&gt;" in page
    twice = post(browser, "/admin/customer/views/save", **typed)
    assert "choose another name" in browser.get(twice.headers["location"]).text
    with at(house) as session:
        view = session.scalars(select(SavedView)).one()
        assert view.query == "status=active&tag=vip"
        number = view.id
    browser.as_("manager@alpha.example")
    assert "Regulars" not in browser.get(LIST).text
    assert post(browser, f"/admin/customer/views/{number}/remove").status_code == 404
    browser.as_("staff@alpha.example")
    assert post(browser, f"/admin/customer/views/{number}/remove").status_code == 303
    assert total(SavedView) == 0
