"""A list becomes customers: everybody once, nothing lost, nothing overwritten, all undone."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app import lists
from app.database import begin
from app.errors import DomainError, NotFound
from app.gateways.files import FileGone
from app.operations import import_steps, imports
from app.settings import settings
from app.staging import TypedRow, staged
from app.tenancy import GATE, acting, vendor_actor
from models.imports import ImportStatus
from tasks import imports as tasks
from tests import make
from tests.operations.import_desk import Desk

HEADER = "Name,Email,Phone,City,Birthday,Tags,Newsletter"
ANNA = "Anna Sousa,anna@example.com,+351912345678,Porto,1990-02-03,vip,yes"
BEN = "Ben Dias,ben@example.com,+351912345679,Lisboa,1985-07-09,,no"


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def desk(db: Connection, var: Path) -> Desk:
    return Desk(var)


@pytest.fixture
def real_desk(fresh_database: str, var: Path) -> Desk:
    """A desk whose transactions commit, so that time passes between them."""
    return Desk(var)


def test_a_list_becomes_customers(desk: Desk) -> None:
    report = desk.run([HEADER, ANNA, BEN])
    assert desk.counts(report) == {"created": 2}
    assert desk.customers("full_name, email, phone, birthday, channel, sort_name") == [
        ("Anna Sousa", "anna@example.com", "+351912345678", date(1990, 2, 3), "import",
         "anna sousa"),
        ("Ben Dias", "ben@example.com", "+351912345679", date(1985, 7, 9), "import", "ben dias"),
    ]  # fmt: skip
    assert desk.sql("SELECT city, city_key FROM addresses ORDER BY id") == [
        ("Porto", "porto"), ("Lisboa", "lisboa"),
    ]  # fmt: skip
    assert desk.sql("SELECT channel, granted, source, proof FROM consents ORDER BY id") == [
        ("email", True, "import", "list.csv, line 2"),
        ("email", False, "import", "list.csv, line 3"),
    ]
    assert desk.sql("SELECT name FROM tags") == [("vip",)]


def test_trying_out_writes_no_customer_and_says_what_the_import_does(desk: Desk) -> None:
    desk.add(full_name="Anna", email="anna@example.com")
    lines = [
        HEADER,
        ANNA,
        BEN,
        "Ben again,BEN@example.com,,,,,",
        ",,,,,,",
        "No one,not-a-mail,,,,,",
    ]
    dry = desk.run(lines, commit=False)
    assert len(desk.customers()) == 1
    wet = desk.run(lines)
    assert desk.counts(dry) == desk.counts(wet)
    assert sum(desk.counts(dry).values()) == dry["rows"]


def test_the_same_file_twice_creates_nothing(desk: Desk) -> None:
    lines = [HEADER, ANNA, BEN, "Only A Name,,,,,,", "With Town,,,Faro,,,", "With Town,,,Beja,,,"]
    assert desk.counts(desk.run(lines)) == {"created": 5}
    before = desk.everything()
    assert desk.counts(desk.run(lines)) == {"unchanged": 5}
    assert desk.everything() == before


@pytest.mark.parametrize(
    ("strategy", "expected", "outcome"),
    [
        ("fill", ("Anna", "anna@example.com", "+351912345678"), "updated"),
        ("overwrite", ("Anna Sousa", "anna@example.com", "+351912345678"), "updated"),
        ("skip", ("Anna", "anna@example.com", None), "skipped_duplicate"),
    ],
)
def test_who_is_known_is_treated_as_the_strategy_says(
    desk: Desk, strategy: str, expected: tuple[str, ...], outcome: str
) -> None:
    desk.add(full_name="Anna", email="anna@example.com")
    desk.committed([HEADER, ANNA], strategy=strategy)
    assert [row.outcome for row in desk.rows()] == [outcome]
    assert desk.customers() == [expected]


def test_overwriting_never_blanks_a_field(desk: Desk) -> None:
    desk.add(full_name="Anna", email="anna@example.com", phone="+351911111111", note="likes tea")
    desk.committed([HEADER, "Anna Sousa,anna@example.com,,,,,"], strategy="overwrite")
    assert desk.customers("full_name, phone, note") == [
        ("Anna Sousa", "+351911111111", "likes tea")
    ]


def test_an_updated_customer_is_found_by_the_new_words(desk: Desk) -> None:
    desk.add(full_name="Anna", email="anna@example.com")
    desk.committed([HEADER, ANNA], strategy="overwrite")
    [(words, sort_name)] = desk.customers("search_text, sort_name")
    assert "sousa" in words
    assert "912345678" in words
    assert sort_name == "anna sousa"


def test_the_second_phone_is_a_way_to_know_somebody(desk: Desk) -> None:
    desk.add(full_name="Anna", phone_2="+351912345678")
    assert desk.counts(desk.run(["Name,Phone", "Anna,912 345 678"])) == {"unchanged": 1}


def test_name_and_birthday_alone_wait_for_a_decision(desk: Desk) -> None:
    known = desk.add(full_name="Anna Sousa", birthday=date(1990, 2, 3), email="old@example.com")
    report = desk.run([HEADER, ANNA])
    assert desk.counts(report) == {"skipped_duplicate": 1}
    [problem] = report["problems"]
    assert problem["code"] == "same_person"
    [row] = desk.rows()
    assert (row.code, row.customer_id) == ("same_person", known)


def test_the_same_person_is_filled_in_once_decided(desk: Desk) -> None:
    known = desk.add(full_name="Anna Sousa", birthday=date(1990, 2, 3), email="old@example.com")
    desk.run([HEADER, ANNA])
    row = desk.settle(desk.rows()[0], "same")
    assert (row.outcome, row.customer_id) == ("updated", known)
    assert desk.customers() == [("Anna Sousa", "old@example.com", "+351912345678")]
    assert (desk.job().result or {})["updated"] == 1


def test_somebody_else_becomes_a_customer_once_decided(desk: Desk) -> None:
    desk.add(full_name="Anna Sousa", birthday=date(1990, 2, 3))
    desk.run([HEADER, ANNA])
    row = desk.settle(desk.rows()[0], "new")
    assert row.outcome == "created"
    assert len(desk.customers()) == 2
    with pytest.raises(import_steps.NothingToDecide):
        desk.settle(row, "new")


def test_duplicates_inside_the_file_are_found_across_chunks(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = real_desk
    monkeypatch.setattr(imports, "CHUNK", 2)
    monkeypatch.setattr(tasks, "LANES", 1)
    lines = [f"P {i},p{i}@example.com,,,,," for i in range(7)]
    report = desk.run([HEADER, *lines, "Again,P0@example.com,,,,,", "Same,p6@example.com,,,,,"])
    assert desk.counts(report) == {"created": 7, "skipped_duplicate": 2}
    rows = desk.rows()
    assert rows[7].customer_id == rows[0].customer_id
    assert rows[8].customer_id == rows[6].customer_id


def test_a_long_list_is_read_by_two_and_becomes_the_same(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = real_desk
    lines = ["Name,E-mail,Birthday", *(f"Anna {n},a{n % 900}@example.com,1988-04-0{n % 8 + 1}"
                                       for n in range(14_000))]  # fmt: skip
    tried = desk.run(lines, commit=False)
    assert desk.counts(tried) == {"created": 900, "skipped_duplicate": 13_100}
    monkeypatch.setattr(lists, "LONG", 1)
    assert desk.run(lines, commit=False) == tried
    read = desk.sql("SELECT position, line, full_name FROM staged_rows WHERE job_id = :j"
                    " ORDER BY position", j=desk.job().id)  # fmt: skip
    assert read == [(n + 1, n + 2, f"Anna {n}") for n in range(14_000)]


def test_chunks_side_by_side_are_saved_in_the_order_of_the_list(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = real_desk
    monkeypatch.setattr(imports, "CHUNK", 2)
    monkeypatch.setattr(tasks, "LANES", 3)
    lines = [f"P {i},p{i}@example.com,,,,t{i}; all," for i in range(11)]
    report = desk.run([HEADER, *lines, "Again,P0@example.com,,,,,", "Same,p9@example.com,,,,,"])
    assert desk.counts(report) == {"created": 11, "skipped_duplicate": 2}
    rows = desk.rows()
    assert [rows[11].customer_id, rows[12].customer_id] == [
        rows[0].customer_id, rows[9].customer_id,
    ]  # fmt: skip
    job = desk.job()
    assert (job.status, job.progress) == (ImportStatus.COMPLETED, 13)
    assert len((job.result or {})["tags"]) == 12


def test_nothing_is_saved_behind_a_chunk_that_diverged(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = real_desk
    monkeypatch.setattr(imports, "CHUNK", 2)
    monkeypatch.setattr(tasks, "LANES", 3)
    job_id = desk.tried([HEADER, *(f"P {i},p{i}@example.com,,,,," for i in range(6))])
    desk.add(full_name="P", email="p2@example.com")
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    job = desk.job()
    assert (job.status, job.refused) == (ImportStatus.MAPPED, imports.Diverged.sentence)
    assert (imports.settled(job), len(desk.customers())) == (2, 3)


def test_the_order_of_rows_does_not_change_how_many_belong_together(desk: Desk) -> None:
    lines = [
        "A,a@example.com,+351912345670,,,,",
        "B,a@example.com,+351912345671,,,,",
        "C,c@example.com,+351912345671,,,,",
        "D,d@example.com,,,,,",
    ]
    orders = ([0, 1, 2, 3], [0, 2, 1, 3], [3, 2, 0, 1], [1, 3, 0, 2])
    found = [
        desk.counts(desk.run([HEADER, *(lines[i] for i in order)], commit=False))
        for order in orders
    ]
    assert found == [{"created": 2, "skipped_duplicate": 2}] * 4


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("strategy", ["fill", "overwrite"])
def test_somebody_found_by_contact_is_still_known_by_name_and_birthday(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch, strategy: str, turned: bool
) -> None:
    desk = real_desk
    monkeypatch.setattr(imports, "CHUNK", 1)
    desk.add(full_name="Quin Ober", email="q@example.com", birthday=date(1990, 1, 2))
    rows = [
        "Quin Ober,,,1990-01-02",
        "Q,q@example.com,,1991-05-05",
        "Quin Ober,,912345678,1990-01-02",
    ]
    rows = rows[::-1] if turned else rows
    job_id = desk.committed(["Name,Email,Phone,Birthday", *rows], strategy=strategy)
    job = desk.job()
    assert (job.id, job.status, job.refused) == (job_id, ImportStatus.COMPLETED, None)
    assert len(desk.customers()) == 1
    codes = sorted((row.outcome, row.code) for row in desk.rows() if row.code)
    assert [code for _, code in codes] == ["same_person", "same_person"]
    assert job.tried == {k: v for k, v in (job.result or {}).items() if k in job.tried}


def test_only_one_row_speaks_for_a_known_customer(desk: Desk) -> None:
    desk.add(full_name="Anna", email="anna@example.com", phone="+351912345670")
    job = desk.committed(
        ["Name,Email,Phone", "A,anna@example.com,", "B,b@example.com,+351912345670"],
        strategy="overwrite",
    )
    assert [row.outcome for row in desk.rows()] == ["updated", "skipped_duplicate"]
    assert desk.job().id == job
    assert desk.job().status == ImportStatus.COMPLETED


def test_a_list_never_overrides_a_withdrawal(desk: Desk) -> None:
    known = desk.add(full_name="Anna", email="anna@example.com")
    desk.sql(
        "INSERT INTO consents (customer_id, channel, purpose, granted, source)"
        " VALUES (:c, 'email', 'marketing', false, 'link')", c=known,
    )  # fmt: skip
    desk.committed(["Name,Email,Newsletter", "Anna,anna@example.com,yes"], strategy="overwrite")
    assert desk.sql("SELECT granted FROM consents") == [(False,)]


def test_a_list_may_take_a_consent_back(desk: Desk) -> None:
    known = desk.add(full_name="Anna", email="anna@example.com")
    desk.sql(
        "INSERT INTO consents (customer_id, channel, purpose, granted, source)"
        " VALUES (:c, 'email', 'marketing', true, 'link')", c=known,
    )  # fmt: skip
    desk.committed(["Name,Email,Newsletter", "Anna,anna@example.com,no"], strategy="overwrite")
    assert desk.sql("SELECT granted FROM consents ORDER BY id") == [(True,), (False,)]


def test_an_import_stops_when_the_customers_changed_meanwhile(desk: Desk) -> None:
    job_id = desk.tried([HEADER, ANNA, BEN])
    desk.add(full_name="Anna", email="anna@example.com")
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    job = desk.job()
    assert (job.status, job.refused) == (ImportStatus.MAPPED, imports.Diverged.sentence)
    assert len(desk.customers()) == 1
    desk.do(imports.begin_trying, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
        desk.do(imports.begin_import, job_id=job_id)
        tasks.commit_now(job_id)
    assert desk.job().status == ImportStatus.COMPLETED
    assert len(desk.customers()) == 2


def test_a_namesake_who_came_after_a_try_out_among_nobody_is_still_seen(desk: Desk) -> None:
    job_id = desk.tried([HEADER, ANNA, BEN])
    assert desk.counts(desk.job().tried or {}) == {"created": 2}
    desk.add(full_name="Anna Sousa", birthday=date(1990, 2, 3), email="old@example.com")
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    assert desk.job().refused == imports.Diverged.sentence
    desk.do(imports.begin_trying, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
    assert desk.counts(desk.job().tried or {}) == {"created": 1, "skipped_duplicate": 1}


def test_a_killed_import_goes_on_where_it_was(desk: Desk) -> None:
    lines = [f"P {i},p{i}@example.com,,,,t{i}," for i in range(10)]
    job_id = desk.tried([HEADER, *lines])
    desk.do(imports.begin_import, job_id=job_id)
    assert desk.do(import_steps.commit_chunk, job_id=job_id, size=4)
    assert len(desk.customers()) == 4
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
        tasks.commit_now(job_id)  # a second delivery
    assert len(desk.customers()) == 10
    assert (desk.job().result or {})["created"] == 10


def test_a_killed_reading_goes_on_where_it_was(desk: Desk) -> None:
    job_id = desk.mapped([HEADER, *(f"P {i},p{i}@example.com,,,,," for i in range(5))])
    job = desk.do(imports.begin_trying, job_id=job_id)
    first = [staged(TypedRow(line=2, page=None, full_name="P 0", email="p0@example.com"))]
    desk.do(imports.stage, job_id=job.id, rows=first, first=1)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
    assert desk.job().total_rows == 5
    assert [row.line for row in desk.rows()] == [2, 3, 4, 5, 6]


def test_two_clicks_begin_one_import(desk: Desk) -> None:
    job_id = desk.tried([HEADER, ANNA])
    desk.do(imports.ask_to_commit, job_id=job_id)
    with pytest.raises(imports.NotNow):
        desk.do(imports.ask_to_commit, job_id=job_id)
    promised = "SELECT count(*) FROM outbox_messages WHERE task = 'tasks.imports.commit'"
    assert desk.sql(promised) == [(1,)]


def test_nobody_reaches_the_list_of_another_vendor(desk: Desk) -> None:
    job_id = desk.tried([HEADER, ANNA])
    other = make.new_vendor()
    verbs = (imports.ask_to_commit, imports.ask_to_try, imports.ask_to_undo)
    for verb in verbs:
        with acting(vendor_actor(other)), pytest.raises(NotFound):
            desk_of(other, verb, job_id)


def desk_of(vendor: int, verb: object, job_id: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        verb(session, job_id=job_id)  # type: ignore[operator]


def test_columns_are_refused_in_a_sentence(desk: Desk) -> None:
    job_id = desk.mapped([HEADER, ANNA])
    with pytest.raises(imports.NoIdentity):
        desk.do(imports.map_columns, job_id=job_id, mapping={"City": "city"})
    with pytest.raises(imports.FieldTwice):
        desk.do(imports.map_columns, job_id=job_id, mapping={"Name": "email", "Email": "email"})


def test_a_table_without_anybody_is_counted_and_refused(desk: Desk) -> None:
    report = desk.run(["Animal,Legs", "Spider,8", "Ant,6"])
    assert (report["rows"], report["created"]) == (2, 0)
    assert "map at least one column" in report["refused"]


@pytest.mark.parametrize("content", ["", "GIF89a...", "{}", "%PDF-1.4 nothing"])
def test_a_file_that_is_no_list_is_refused_in_a_sentence(desk: Desk, content: str) -> None:
    report = desk.run(content)
    assert report["refused"].endswith(".")
    assert report["rows"] == 0


def test_hostile_cells_are_kept_as_text_or_refused(desk: Desk) -> None:
    report = desk.run(
        [
            "Name,Email,Note",
            '"=cmd|calc",evil@example.com,"<script>"',
            "NaN,nan@example.com,{}",
            f"{'x' * 5000},long@example.com,",
            "Rob'); DROP TABLE customers;--,bobby@example.com,\\N",
            '"a\tb\\c",tab@example.com,"line\nbreak"',
        ]
    )
    assert sum(desk.counts(report).values()) == report["rows"] == 5
    assert ("Rob'); DROP TABLE customers;--",) in desk.customers("full_name")


# --- problem rows ------------------------------------------------------------------------


def test_a_problem_row_is_corrected_and_tried_again(desk: Desk) -> None:
    from app import lists
    from app.staging import Field

    report = desk.run(["Name,Email", "Anna,anna@example.com", ",broken@"])
    assert desk.counts(report) == {"created": 1, "invalid": 1}
    row = desk.rows()[1]
    with acting(vendor_actor(desk.vendor)):
        typed = lists.typed_again(desk.job(), row, {Field.EMAIL: "ben@example.com"})
    done = desk.do(import_steps.fix_row, row_id=row.id, typed=typed)
    assert (done.outcome, done.problems) == ("created", None)
    assert desk.customers("email") == [("anna@example.com",), ("ben@example.com",)]
    with pytest.raises(import_steps.NothingToDecide):
        desk.do(import_steps.fix_row, row_id=row.id, typed=typed)


def test_a_correction_that_names_somebody_known_makes_no_twin(desk: Desk) -> None:
    from app import lists
    from app.staging import Field

    desk.run(["Name,Email", "Anna,anna@example.com", ",broken@"])
    row = desk.rows()[1]
    with acting(vendor_actor(desk.vendor)):
        typed = lists.typed_again(desk.job(), row, {Field.EMAIL: "anna@example.com"})
    assert desk.do(import_steps.fix_row, row_id=row.id, typed=typed).outcome == "unchanged"
    assert len(desk.customers()) == 1


# --- undo --------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["fill", "overwrite"])
def test_undoing_brings_everything_back(real_desk: Desk, strategy: str) -> None:
    desk = real_desk
    known = desk.add(full_name="Anna", email="anna@example.com")
    desk.sql("INSERT INTO addresses (customer_id, city) VALUES (:c, 'Faro')", c=known)
    before = desk.everything()
    job_id = desk.committed(
        [HEADER, ANNA, BEN, "C,c@example.com,,Beja,,new; vip,"], strategy=strategy
    )
    assert desk.everything() != before
    desk.undone(job_id)
    assert desk.everything() == before
    job = desk.job()
    assert (job.status, (job.result or {})["kept"]) == (ImportStatus.UNDONE, 0)


def test_who_changed_since_or_is_needed_is_kept_and_named(real_desk: Desk) -> None:
    desk = real_desk
    desk.add(full_name="Known", email="known@example.com")
    job_id = desk.committed(
        ["Name,Email,Phone", "A,a@example.com,", "B,b@example.com,", "C,c@example.com,",
         "Known,known@example.com,+351912345678"]
    )  # fmt: skip
    a, b = (row.customer_id for row in desk.rows()[:2])
    desk.sql("UPDATE customers SET note = 'x', updated_at = now() WHERE id = :a", a=a)
    desk.sql("INSERT INTO tasks (customer_id, title, due_at) VALUES (:b, 'Call', now())", b=b)
    desk.sql("UPDATE customers SET phone = '+351999999999' WHERE email = 'known@example.com'")
    desk.undone(job_id)
    assert [(row.code, row.undone) for row in desk.rows()] == [
        ("kept_changed", False), ("kept_in_use", False), (None, True), ("kept_changed", False),
    ]  # fmt: skip
    assert desk.customers("full_name") == [("Known",), ("A",), ("B",)]


def test_a_segment_somebody_came_into_keeps_nobody(real_desk: Desk) -> None:
    desk = real_desk
    job_id = desk.committed([HEADER, ANNA, BEN])
    desk.sql(
        "WITH s AS (INSERT INTO segments (name, definition_json) VALUES ('All', '{}') RETURNING id)"
        " INSERT INTO segment_memberships (segment_id, customer_id, entered_at)"
        " SELECT s.id, c.id, now() FROM s, customers c"
    )
    desk.undone(job_id)
    assert [(row.code, row.undone) for row in desk.rows()] == [(None, True)] * 2
    assert desk.customers() == []


def test_undoing_goes_on_where_it_was_killed(real_desk: Desk) -> None:
    desk = real_desk
    job_id = desk.committed([HEADER, *(f"P {i},p{i}@example.com,,,,," for i in range(7))])
    desk.do(imports.begin_undo, job_id=job_id)
    assert desk.do(imports.undo_chunk, job_id=job_id, size=3)
    with acting(vendor_actor(desk.vendor)):
        tasks.undo.run(job_id)
        tasks.undo.run(job_id)
    assert desk.customers() == []
    with pytest.raises(imports.NotNow):
        desk.do(imports.begin_undo, job_id=job_id)


def test_two_lists_at_once_make_no_twins(real_desk: Desk) -> None:
    import threading

    desk = real_desk
    jobs = [desk.tried([HEADER, ANNA, BEN]) for _ in range(2)]
    for job_id in jobs:
        desk.do(imports.begin_import, job_id=job_id)

    def commit(job_id: int) -> None:
        with acting(vendor_actor(desk.vendor)):
            tasks.commit_now(job_id)

    threads = [threading.Thread(target=commit, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.customers()) == 2
    statuses = desk.sql("SELECT status FROM import_jobs ORDER BY status")
    assert statuses == [("completed",), ("mapped",)]


def test_what_was_read_is_let_go_at_the_end(desk: Desk) -> None:
    desk.run([HEADER, ANNA])
    assert desk.sql("SELECT count(*) FROM staged_rows") == [(0,)]


def test_only_those_who_import_may_refresh_the_statistics(desk: Desk) -> None:
    with acting(GATE), pytest.raises(DomainError), begin() as session:
        import_steps.refresh_statistics(session)


def test_a_list_that_nobody_touched_for_a_week_leaves_nothing_behind(real_desk: Desk) -> None:
    desk = real_desk
    young = desk.tried(["Name,Email", "Ben,ben@example.com"])
    old = desk.tried(["Name,Email", "Anna,anna@example.com"])
    kept = lists.files().path(desk.job().stored_as)
    reading = kept.with_name(f"{desk.job().checksum[:32]}-1.jsonl")
    reading.write_text("what was read of a PDF")
    desk.sql("UPDATE import_jobs SET updated_at = now() - interval '8 days' WHERE id = :j", j=old)
    tasks.clear_left_over()
    tasks.clear_left_over()
    assert desk.sql("SELECT job_id FROM staged_rows") == [(young,)]
    assert (kept.exists(), reading.exists()) == (False, False)
    [(name,)] = desk.sql("SELECT stored_as FROM import_jobs WHERE id = :j", j=young)
    assert lists.files().path(name).is_file()
    desk.do(imports.begin_trying, job_id=old)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(old)
    assert desk.job().refused == FileGone.sentence
