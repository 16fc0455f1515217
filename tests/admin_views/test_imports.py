"""The pages of an import, from the file to the undo, as each role."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.database import begin
from app.operations import import_steps
from app.settings import settings
from app.tenancy import acting, vendor_actor
from tasks import history
from tasks import imports as tasks
from tests.admin_views.customer_house import ALPHA, BETA, customer, post
from tests.furnished import db, house
from tests.webclient import OWN, Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

LIST = "Name,Email,Phone,City\nAnna Sousa,anna@example.com,+351912345678,Porto\nBen,broken@,,\n"


@pytest.fixture(autouse=True)
def outside_the_demo(tmp_path: Path) -> Iterator[None]:
    with settled(VAR=str(tmp_path)):
        yield


@pytest.fixture
def manager(house: House) -> Iterator[Browser]:
    with Browser(application()) as browser:
        yield browser.as_("manager@alpha.example")


def upload(browser: Browser, content: str | bytes = LIST, name: str = "l.csv", **form: str) -> Any:
    files = {"file": (name, content)}
    return browser.post("/admin/imports/upload", files=files, data=form, headers=OWN)


def work(house: House, slug: str = ALPHA) -> None:
    """What the worker would do with everything that was promised."""
    vendor = house.vendors[slug]
    with acting(vendor_actor(vendor)), begin() as session:
        promised = session.execute(
            text(
                "UPDATE outbox_messages SET done_at = now() WHERE done_at IS NULL"
                " AND task ~ '^tasks.(imports|history)[.]' RETURNING task, payload"
            )
        ).all()
    for task, payload in promised:
        with acting(vendor_actor(vendor, payload["user_id"])):
            module, _, name = task.removeprefix("tasks.").partition(".")
            getattr({"imports": tasks, "history": history}[module], name).run(payload["job_id"])


def columns(**changes: str) -> dict[str, Any]:
    fields = {"column-0": "full_name", "column-1": "email", "column-2": "phone"}
    return fields | {"column-3": "city", "strategy": "fill", "keys": ["email", "phone"]} | changes


def mapped(browser: Browser, content: str = LIST) -> str:
    """The address of an uploaded and mapped list."""
    answer = upload(browser, content)
    assert answer.status_code == 303, answer.text
    base = str(answer.headers["location"]).removesuffix("/columns")
    assert post(browser, f"{base}/map", **columns()).headers["location"] == f"{base}/try"
    return base


def imported(browser: Browser, house: House, content: str = LIST) -> str:
    base = mapped(browser, content)
    work(house)
    assert post(browser, f"{base}/commit").status_code == 303
    work(house)
    return base


def test_a_list_goes_in_step_by_step(manager: Browser, house: House) -> None:
    assert "choose a file" in manager.get("/admin/imports").text
    base = mapped(manager)
    assert "data-poll" in manager.get(f"{base}/try").text
    assert manager.get(f"{base}/progress").json()["finished"] is False
    work(house)
    assert manager.get(f"{base}/progress").json()["finished"] is True
    tried = manager.get(f"{base}/try").text
    assert "Import 2 rows" in tried
    assert "Anna Sousa" in tried
    assert post(manager, f"{base}/commit").headers["location"] == f"{base}/run"
    assert "Importing" in manager.get(f"{base}/run").text
    work(house)
    assert manager.get(f"{base}/run").headers["location"] == f"{base}/result"
    result = manager.get(f"{base}/result")
    assert result.status_code == 200
    assert "rows imported" in result.text
    assert "Undo import" in result.text
    assert "l.csv" in manager.get("/admin/imports").text


def test_columns_are_shown_with_samples_and_can_be_changed(manager: Browser, house: House) -> None:
    base = str(upload(manager).headers["location"]).removesuffix("/columns")
    page = manager.get(f"{base}/columns").text
    assert "Anna Sousa" in page
    assert '<option value="email" selected>' in page
    twice = post(manager, f"{base}/map", **columns(**{"column-0": "email"}))
    assert twice.status_code == 400
    assert "Two columns go to the same field" in twice.text
    unknown = post(manager, f"{base}/map", **columns(**{"column-0": "password"}))
    assert unknown.status_code == 400


def test_a_table_without_anybody_is_shown_counted_and_refused(
    manager: Browser, house: House
) -> None:
    content = "Animal,Legs\nSpider,8\nAnt,6\nSnake,0\n"
    base = str(upload(manager, content).headers["location"]).removesuffix("/columns")
    assert "Spider" in manager.get(f"{base}/columns").text
    answer = post(manager, f"{base}/map", strategy="fill", **{"column-0": "", "column-1": ""})
    assert answer.status_code == 400
    assert "No column says who the customers are: map at least one column" in answer.text
    assert "3 rows" in answer.text
    named = post(manager, f"{base}/map", strategy="fill", **{"column-0": "full_name"})
    assert named.headers["location"] == f"{base}/try"
    work(house)
    assert "Import 3 rows" in manager.get(f"{base}/try").text


def test_a_problem_row_is_corrected_on_the_page(manager: Browser, house: House) -> None:
    base = imported(manager, house, "Name,Email,Phone,City\nAnna,a@example.com,,\n,broken@,,\n")
    page = manager.get(f"{base}/result?show=invalid").text
    action = page.split(f'action="{base}/fix/')[1].split('"')[0]
    answer = post(manager, f"{base}/fix/{action}".replace("&amp;", "&"), email="ben@example.com")
    assert answer.status_code == 303
    assert "became a new customer" in manager.get(answer.headers["location"]).text
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        emails = set(session.scalars(text("SELECT email FROM customers")))
    assert emails == {"a@example.com", "ben@example.com"}


def test_the_same_person_is_asked_about_and_decided(manager: Browser, house: House) -> None:
    from datetime import date

    customer(house, full_name="Anna Sousa", birthday=date(1990, 2, 3), email="x@example.com")
    base = str(
        upload(manager, "Name,Email,Birthday\nAnna Sousa,a@example.com,1990-02-03\n").headers[
            "location"
        ]
    ).removesuffix("/columns")
    fields = {"column-0": "full_name", "column-1": "email", "column-2": "birthday"}
    post(manager, f"{base}/map", **fields, keys=["email", "name_birthday"], strategy="fill")
    work(house)
    tried = manager.get(f"{base}/try").text
    assert "Nothing new to save. 1 needs your decision afterwards" in tried
    assert "Go on and decide" in tried
    post(manager, f"{base}/commit")
    work(house)
    page = manager.get(f"{base}/result").text
    assert "The same person?" in page
    row = page.split(f"{base}/decide/")[1].split("/")[0]
    for choice in ("new", "new"):
        answer = post(manager, f"{base}/decide/{row}/{choice}")
        assert answer.status_code == 303
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 2


def test_an_import_is_undone_from_its_page(manager: Browser, house: House) -> None:
    base = imported(manager, house)
    post(manager, f"{base}/undo")
    work(house)
    assert "taken back" in manager.get(f"{base}/result").text
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 0


def test_a_second_click_begins_no_second_import(manager: Browser, house: House) -> None:
    base = mapped(manager)
    work(house)
    for _ in range(3):
        assert post(manager, f"{base}/commit").headers["location"] == f"{base}/run"
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        promised = "SELECT count(*) FROM outbox_messages WHERE task = 'tasks.imports.commit'"
        assert session.scalar(text(promised)) == 1


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.csv"), (b"PK\x03\x04 workbook", "x.csv"), (b"\x00\xff\xfe\x00", "x.csv")],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(
    manager: Browser, content: bytes, name: str
) -> None:
    answer = upload(manager, content, name)
    assert answer.status_code in (400, 303)
    assert "Traceback" not in answer.text


def test_a_file_past_the_limit_is_refused(manager: Browser, tmp_path: Path) -> None:
    with settled(VAR=str(tmp_path), IMPORT_MAX_BYTES="1000"):
        settings.cache_clear()
        answer = upload(manager, "Name\n" + "x" * 2000)
    assert answer.status_code == 400
    assert "larger than" in answer.text
    assert list((tmp_path).rglob("*.part")) == []


def test_another_vendors_list_is_not_there(manager: Browser, house: House) -> None:
    base = imported(manager, house)
    with Browser(application()) as browser:
        browser.as_(f"manager@{BETA}.example")
        for page in ("columns", "try", "run", "progress", "result"):
            assert browser.get(f"{base}/{page}").status_code == 404, page
        for command in ("map", "commit", "undo", "try-again", "fix/1", "decide/1/new", "stop",
                        "leave-out", "take-up", "decide-all/in_file/new"):  # fmt: skip
            assert post(browser, f"{base}/{command}").status_code == 404, command
    assert manager.get("/admin/imports/x/try").status_code == 404
    assert manager.get("/admin/imports/999999999999/try").status_code == 404


@pytest.mark.parametrize("who", ["staff@alpha.example", "analyst@market.example"])
def test_only_managers_and_admins_import(house: House, who: str) -> None:
    with Browser(application()) as browser:
        browser.as_(who)
        assert browser.get("/admin/imports").status_code == 403
        assert upload(browser).status_code == 403


def test_an_admin_chooses_the_vendor_first(house: House) -> None:
    with Browser(application()) as browser:
        browser.as_("admin@market.example")
        page = browser.get("/admin/imports").text
        assert 'data-pick="/admin/customer/ajax/lookup?name=vendor"' in page
        assert "Alpha" not in page.split("<main")[1]
        found = browser.get("/admin/customer/ajax/lookup?name=vendor&term=bet").json()["results"]
        assert [line["id"] for line in found] == [str(house.vendors[BETA])]
        assert "Choose the vendor" in upload(browser).text
        answer = upload(browser, vendor_id=str(house.vendors[BETA]))
        base = str(answer.headers["location"]).removesuffix("/columns")
        post(browser, f"{base}/map", **columns())
        work(house, BETA)
        post(browser, f"{base}/commit")
        work(house, BETA)
        assert "rows imported" in browser.get(f"{base}/result").text
    with acting(vendor_actor(house.vendors[BETA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers WHERE channel = 'import'"))


# --- chosen at the upload ----------------------------------------------------------------


def test_strategy_and_channel_are_chosen_with_the_file(manager: Browser, house: House) -> None:
    page = manager.get("/admin/imports").text
    assert 'name="strategy"' in page
    assert 'name="vendor_id"' not in page
    answer = upload(manager, strategy="skip", source="walk_in")
    base = str(answer.headers["location"]).removesuffix("/columns")
    assert 'value="skip" checked' in manager.get(f"{base}/columns").text
    post(manager, f"{base}/map", **columns(strategy="skip"))
    work(house)
    post(manager, f"{base}/commit")
    work(house)
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert set(session.scalars(text("SELECT channel FROM customers"))) == {"walk_in"}


@pytest.mark.parametrize("wish", [{"strategy": "bogus"}, {"source": "carrier pigeon"}])
def test_a_choice_that_is_none_is_refused(manager: Browser, wish: dict[str, str]) -> None:
    answer = upload(manager, **wish)
    assert answer.status_code == 400
    assert "This choice is not open" in answer.text


def test_what_was_chosen_stands_there_after_a_refusal(house: House) -> None:
    with Browser(application()) as browser:
        browser.as_("admin@market.example")
        wishes = {"vendor_id": str(house.vendors[BETA]), "vendor_id_text": "Beta",
                  "strategy": "overwrite", "source": "phone"}  # fmt: skip
        page = upload(browser, b"PK\x03\x04 workbook", "x.csv", **wishes).text
    assert f'name="vendor_id" value="{house.vendors[BETA]}"' in page
    assert 'value="Beta"' in page
    assert '<option value="overwrite" selected>' in page
    assert '<option value="phone" selected>' in page


@pytest.mark.parametrize("field", ["vendor_id", "strategy", "source", "anything"])
def test_a_text_field_beside_a_file_holds_no_nul(manager: Browser, field: str) -> None:
    answer = upload(manager, **{field: "a\x00b"})
    assert answer.status_code == 400
    assert "A field holds a character that no text has" in answer.text
    assert "\x00" not in answer.text


def test_every_other_form_of_an_import_is_looked_at_like_any_form(
    manager: Browser, house: House
) -> None:
    base = mapped(manager)
    assert manager.get("/admin/imports").status_code == 200
    assert upload(manager, b"Name\nAn\x00na\n").status_code == 400  # a file is judged as a file
    for command in ("map", "fix/1", "commit", "stop"):
        answer = manager.post(f"{base}/{command}", content=b"email=a%00b", headers=OWN | {
            "content-type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert answer.status_code == 400
        assert "A field holds a character" in answer.text
        assert post(manager, f"{base}/{command}", x="y" * 2_000_001).status_code == 413


# --- stopping ----------------------------------------------------------------------------


def test_a_try_out_is_stopped_and_tried_again(manager: Browser, house: House) -> None:
    base = mapped(manager)
    assert f'action="{base}/stop"' in manager.get(f"{base}/try").text
    for _ in range(2):
        assert post(manager, f"{base}/stop").headers["location"] == f"{base}/try"
    page = manager.get(f"{base}/try").text
    assert "Somebody stopped this list" in page
    assert "Try it out again" in page
    assert manager.get(f"{base}/progress").json()["finished"] is True
    work(house)
    assert "Somebody stopped this list" in manager.get(f"{base}/try").text
    assert "Somebody stopped" not in manager.get(f"{base}/columns").text
    post(manager, f"{base}/try-again")
    work(house)
    assert "Import 2 rows" in manager.get(f"{base}/try").text


def halted(browser: Browser, house: House) -> str:
    """A list of four rows, stopped after two were saved."""
    content = "Name,Email,Phone,City\n" + "".join(f"P{n},p{n}@x.example,,\n" for n in range(4))
    base = mapped(browser, content)
    work(house)
    post(browser, f"{base}/commit")
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        import_steps.commit_chunk(session, job_id=int(base.rsplit("/", 1)[1]), size=2)
    assert post(browser, f"{base}/stop").headers["location"] == f"{base}/result"
    return base


def test_a_stopped_import_says_what_stays_and_goes_on(manager: Browser, house: House) -> None:
    base = halted(manager, house)
    page = manager.get(f"{base}/result").text
    assert "Stopped: 2 of 4 rows are done, and stay." in page
    assert "Undo import" in page
    assert "P1" in page
    assert "P2" not in page
    assert 'data-count="created">2<' in page
    assert "Stopped" in manager.get("/admin/imports").text
    assert manager.get(f"{base}/try").headers["location"] == f"{base}/result"
    work(house)  # the first worker comes too late
    assert "Stopped: 2 of 4" in manager.get(f"{base}/result").text
    assert "Go on with the other 2 rows" in page
    assert post(manager, f"{base}/commit").headers["location"] == f"{base}/run"
    work(house)
    assert "4 rows imported" in manager.get(f"{base}/result").text


def test_a_stopped_import_is_undone_from_its_page(manager: Browser, house: House) -> None:
    base = halted(manager, house)
    assert post(manager, f"{base}/undo").headers["location"] == f"{base}/run"
    assert "Undoing the import" in manager.get(f"{base}/run").text
    assert f"{base}/stop" not in manager.get(f"{base}/run").text
    work(house)
    page = manager.get(f"{base}/result").text
    assert "2 rows were taken back." in page
    assert "2 were never imported." in page
    assert "P1" in page  # by name, though nobody of that name is left
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 0


# --- corrected before the import ---------------------------------------------------------

BROKEN = "Name,Email,Phone,City\nAnna,a@example.com,,\n,broken@,,Porto\n"


def the_form(page: str, base: str) -> str:
    """The address that the first form of a problem row posts to."""
    found = re.findall(f'action="({base}/fix/[^"]+)"', page)
    return str(found[0]).replace("&amp;", "&")


def test_a_problem_row_is_corrected_before_the_import(manager: Browser, house: House) -> None:
    base = mapped(manager, BROKEN)
    work(house)
    page = manager.get(f"{base}/try?show=invalid").text
    assert "Try again" in page
    still = post(manager, the_form(page, base), email="broken again@", city="Lisboa")
    assert still.headers["location"].startswith(f"{base}/try?show=invalid")
    page = manager.get(still.headers["location"]).text
    assert 'value="broken again@"' in page
    assert 'value="Lisboa"' in page
    done = post(manager, the_form(page, base), email="ben@example.com")
    told = manager.get(done.headers["location"]).text
    assert "Line 3 will become a new customer." in told
    assert "Import 2 rows" in told
    assert 'data-count="invalid">0<' in told
    post(manager, f"{base}/commit")
    work(house)
    assert "2 rows imported" in manager.get(f"{base}/result").text


@pytest.mark.parametrize("saved", [False, True])
def test_what_was_typed_is_kept_when_it_is_refused(
    manager: Browser, house: House, saved: bool
) -> None:
    base = imported(manager, house, BROKEN) if saved else mapped(manager, BROKEN)
    work(house)
    page = manager.get(f"{base}/{'result' if saved else 'try'}?show=invalid").text
    answer = post(manager, the_form(page, base), email="x" * 2001, city="Typed town")
    assert answer.status_code == 400
    assert "This is too long for one field" in answer.text
    assert 'value="Typed town"' in answer.text
    assert "x" * 2001 in answer.text


# --- many rows at once -------------------------------------------------------------------


def test_problems_are_left_out_together_and_taken_up_again(manager: Browser, house: House) -> None:
    base = imported(manager, house, BROKEN)
    page = manager.get(f"{base}/result").text
    assert "1 needs a correction" in page
    assert f'action="{base}/leave-out"' in page
    assert post(manager, f"{base}/leave-out").headers["location"] == f"{base}/result"
    page = manager.get(f"{base}/result?show=invalid").text
    assert "are left out." in page
    assert f'action="{base}/take-up"' in page
    assert "needs a correction" not in page
    assert "Rows to correct" not in page
    post(manager, f"{base}/take-up")
    assert "Rows to correct" in manager.get(f"{base}/result").text


def test_all_duplicates_are_decided_on_together(manager: Browser, house: House) -> None:
    content = "Name,Email,Phone,City\nAnna,a@x.example,,\nAnna again,a@x.example,,\n"
    base = imported(manager, house, content + "Anna too,A@x.example,+351912345678,\n")
    page = manager.get(f"{base}/result?show=skipped_duplicate").text
    assert "2 repeat another row of the file" in page
    assert page.count(">Same person</button>") == page.count(">Add as new</button>") == 2
    assert f'action="{base}/decide-all/in_file/same"' in page
    began = post(manager, f"{base}/decide-all/in_file/same")
    assert began.headers["location"] == f"{base}/run"
    assert "Settling the rows" in manager.get(f"{base}/run").text
    post(manager, f"{base}/decide-all/in_file/new")  # a second click decides nothing else
    work(house)
    page = manager.get(f"{base}/result").text
    assert 'data-count="skipped_duplicate">0<' in page
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.execute(text("SELECT full_name, phone FROM customers")).all() == [
            ("Anna", "+351912345678")
        ]


def test_rows_that_wait_are_left_out_together(manager: Browser, house: House) -> None:
    for name in ("Anna", "Ben"):
        customer(house, full_name=name, email=f"{name}@known.example")
    base = imported(manager, house, "Name,Email,Phone,City\nAnna,,,\nBen,,,\n")
    assert "2 need your decision" in manager.get(f"{base}/result").text
    assert post(manager, f"{base}/decide-all/same_person/leave").status_code == 303
    page = manager.get(f"{base}/result?show=skipped_duplicate").text
    assert "need your decision" not in page
    assert page.count("Left out.") == 2
    assert page.count(">Add as new</button>") == 2  # one may still change one's mind


# --- long lists --------------------------------------------------------------------------


def test_many_problem_rows_are_turned_page_by_page(manager: Browser, house: House) -> None:
    bad = "".join(f",broken{n}@,,\n" for n in range(60))
    base = imported(manager, house, "Name,Email,Phone,City\n" + bad)
    seen: list[str] = []
    path = f"{base}/result"
    for _ in range(3):
        page = manager.get(path).text
        seen += re.findall(r'value="(broken\d+@)"', page)
        links = re.findall(r'href="([^"]+)" rel="next"', page)
        path = links[0].replace("&amp;", "&") if links else ""
    assert seen == [f"broken{n}@" for n in range(60)]
    assert path == ""
    assert manager.get(f"{base}/result?show=invalid&after=9999").status_code == 200
    assert "broken0@" in manager.get(f"{base}/result?show=invalid&after=9999").text


def test_the_list_of_imports_goes_back_to_the_first(manager: Browser, house: House) -> None:
    for n in range(27):
        upload(manager, name=f"list-{n:02}.csv")
    first = manager.get("/admin/imports").text
    assert "list-26.csv" in first
    assert "list-01.csv" not in first
    older = re.findall(r'href="([^"]+)" rel="next"', first)[0]
    assert "list-00.csv" in manager.get(older).text


def test_what_runs_is_told_on_every_page(manager: Browser, house: House) -> None:
    mapped(manager)
    asked = {"accept": "text/html"}
    assert "Trying l.csv" in manager.get("/admin/customer/list", headers=asked).text
    work(house)
