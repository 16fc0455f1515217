"""Imports are stopped, corrected before they are saved, and decided on many rows at once."""

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import lists
from app.operations import (
    import_corrections,
    import_decisions,
    import_halting,
    import_steps,
    imports,
)
from app.staging import Field, TypedRow, staged
from app.tenancy import acting, vendor_actor
from models.imports import ImportRow, ImportStatus
from tasks import imports as tasks
from tests.operations.import_desk import Desk
from tests.operations.test_imports import BEN, HEADER, desk, real_desk, var

__all__ = ["desk", "real_desk", "var"]
PEOPLE = [f"P {i},p{i}@example.com,,,,t{i}," for i in range(10)]


def in_halves(desk: Desk) -> int:
    """A job of ten rows that is being imported and has saved the first four."""
    job_id = desk.tried([HEADER, *PEOPLE])
    desk.do(imports.begin_import, job_id=job_id)
    assert desk.do(import_steps.commit_chunk, job_id=job_id, size=4)
    return job_id


def go_on(desk: Desk, job_id: int) -> None:
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)


def correct(desk: Desk, row: ImportRow, **cells: str) -> ImportRow:
    with acting(vendor_actor(desk.vendor)):
        asked = {Field(name): cell for name, cell in cells.items()}
        typed = lists.typed_again(desk.job(), row, asked)
    done: ImportRow = desk.do(import_corrections.correct, row_id=row.id, typed=typed)
    return done


# --- stopping ----------------------------------------------------------------------------


def test_a_stopped_import_keeps_what_is_saved_and_counts_it(desk: Desk) -> None:
    job_id = in_halves(desk)
    job = desk.do(import_halting.ask_to_stop, job_id=job_id)
    assert imports.is_halted(job)
    assert (job.status, imports.settled(job)) == (ImportStatus.TRIED, 4)
    assert (job.result or {})["created"] == 4
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)  # the worker comes back for its next chunk
    assert len(desk.customers()) == 4


def test_a_stopped_import_is_gone_on_with(desk: Desk) -> None:
    job_id = in_halves(desk)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    go_on(desk, job_id)
    job = desk.job()
    assert (job.status, (job.result or {})["created"]) == (ImportStatus.COMPLETED, 10)
    assert not imports.is_halted(job)
    assert len(desk.customers()) == 10


def test_a_stopped_import_is_undone(real_desk: Desk) -> None:
    desk = real_desk
    desk.add(full_name="P 9", email="p9@example.com", phone=None)
    job_id = in_halves(desk)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    desk.undone(job_id)
    job = desk.job()
    assert (job.status, (job.result or {})["taken_back"]) == (ImportStatus.UNDONE, 4)
    assert desk.customers("full_name") == [("P 9",)]
    assert [row.undone for row in desk.rows()] == [True] * 4


def test_stopping_twice_is_refused_and_stops_nothing_else(desk: Desk) -> None:
    job_id = in_halves(desk)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    with pytest.raises(imports.NotNow):
        desk.do(import_halting.ask_to_stop, job_id=job_id)
    go_on(desk, job_id)
    with pytest.raises(imports.NotNow):
        desk.do(import_halting.ask_to_stop, job_id=job_id)


def test_stopping_waits_for_the_chunk_in_hand(real_desk: Desk) -> None:
    desk = real_desk
    job_id = desk.tried([HEADER, *PEOPLE])
    desk.do(imports.begin_import, job_id=job_id)
    stopped = threading.Event()

    def work() -> None:
        with acting(vendor_actor(desk.vendor)):
            while desk.do(import_steps.commit_chunk, job_id=job_id, size=1):
                stopped.wait(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    job = desk.do(import_halting.ask_to_stop, job_id=job_id)
    worker.join()
    assert len(desk.customers()) == imports.settled(job) < 10


def test_chunks_side_by_side_that_are_stopped_are_not_saved(
    real_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = real_desk
    monkeypatch.setattr(imports, "CHUNK", 4)
    job_id = desk.tried([HEADER, *PEOPLE])
    desk.do(imports.begin_import, job_id=job_id)
    commit = import_steps.commit_span

    def stopped_in_between(session: Session, **given: Any) -> None:
        turn = given.pop("turn")

        def later() -> None:
            if given["span"] == (4, 8):
                desk.do(import_halting.ask_to_stop, job_id=job_id)
            turn()

        commit(session, turn=later, **given)

    monkeypatch.setattr(import_steps, "commit_span", stopped_in_between)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    settled = imports.settled(desk.job())
    assert settled in (0, 4)
    assert len(desk.customers()) == settled
    monkeypatch.undo()
    go_on(desk, job_id)
    assert len(desk.customers()) == 10


def test_a_stopped_reading_leaves_nothing_and_its_worker_ends(desk: Desk) -> None:
    job_id = desk.mapped([HEADER, *PEOPLE])
    before = desk.do(imports.begin_trying, job_id=job_id)
    run = (before.tried or {})["run"]
    rows = [staged(TypedRow(line=2, page=None, full_name="P 0", email="p0@example.com"))]
    desk.do(imports.stage, job_id=job_id, rows=rows, first=1, run=run)
    job = desk.do(import_halting.ask_to_stop, job_id=job_id)
    assert (job.status, job.refused) == (ImportStatus.MAPPED, import_halting.STOPPED)
    assert desk.sql("SELECT count(*) FROM staged_rows") == [(0,)]
    desk.do(imports.begin_trying, job_id=job_id)
    for late in (imports.stage, imports.finish_reading):
        more = {"rows": rows, "first": 1} if late is imports.stage else {}
        with pytest.raises(imports.NotNow):
            desk.do(late, job_id=job_id, run=run, **more)


def test_a_worker_whose_reading_was_stopped_gives_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = desk.mapped([HEADER, *PEOPLE])
    desk.do(imports.begin_trying, job_id=job_id)
    read = lists.rows_of

    def interrupted(*arguments: object, **named: object) -> object:
        desk.do(import_halting.ask_to_stop, job_id=job_id)
        return read(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(lists, "rows_of", interrupted)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
    assert desk.job().refused == import_halting.STOPPED
    assert desk.sql("SELECT count(*) FROM staged_rows") == [(0,)]


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_stopped_try_out_is_tried_again_without_reading(desk: Desk, rounds: int) -> None:
    desk.add(full_name="Zoe")  # whoever has customers has a second round, by name
    job_id = desk.mapped([HEADER, *PEOPLE])
    job = desk.do(imports.begin_trying, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks._read(job, lists.files().path(job.stored_as))
    desk.do(imports.finish_reading, job_id=job_id)
    for _ in range(rounds):
        desk.do(import_steps.judge_chunk, job_id=job_id, size=5)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    assert desk.sql("SELECT count(*) FROM import_rows") == [(0,)]
    assert imports.step(desk.do(imports.begin_trying, job_id=job_id)) == "matching"
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
    assert (desk.job().tried or {})["created"] == 10


def test_a_half_imported_list_is_read_again_and_gone_on_with(desk: Desk) -> None:
    job_id = in_halves(desk)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    desk.sql("DELETE FROM staged_rows")  # a crash of the server empties it
    desk.do(imports.begin_trying, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.try_out_now(job_id)
    go_on(desk, job_id)
    assert desk.job().status == ImportStatus.COMPLETED
    assert len(desk.customers()) == 10


# --- corrected before the import ---------------------------------------------------------


def test_a_row_is_corrected_before_anything_is_saved(desk: Desk) -> None:
    job_id = desk.tried([HEADER, BEN, ",broken@,,,,,", ",worse@,,,,,"])
    row = correct(desk, desk.rows()[1], email="anna@example.com")
    assert (row.outcome, row.problems, row.raw) == ("created", None, None)
    tried = desk.job().tried or {}
    assert (tried["created"], tried["invalid"]) == (2, 1)
    assert desk.customers() == []
    go_on(desk, job_id)
    assert (desk.job().result or {})["created"] == 2
    assert desk.customers("email") == [("ben@example.com",), ("anna@example.com",)]


def test_a_correction_that_is_none_keeps_what_was_typed(desk: Desk) -> None:
    desk.tried([HEADER, ",broken@,,,,,"])
    row = correct(desk, desk.rows()[0], email="still broken@", city="Porto")
    assert row.outcome == "invalid"
    assert (row.raw or [])[1:4] == ["still broken@", "", "Porto"]
    assert "still broken@" in str(row.problems)


@pytest.mark.parametrize(
    ("email", "outcome", "code"),
    [
        ("ben@example.com", "skipped_duplicate", "in_file"),
        ("later@example.com", "skipped_duplicate", "in_file"),
        ("known@example.com", "unchanged", None),
        ("taken@example.com", "skipped_duplicate", "in_file"),
    ],
)
def test_a_corrected_row_that_says_somebody_again_makes_no_twin(
    desk: Desk, email: str, outcome: str, code: str | None
) -> None:
    desk.add(full_name="Known", email="known@example.com")
    desk.add(full_name="Taken", email="taken@example.com", phone="+351912345000")
    lines = [HEADER, BEN, ",broken@,,,,,", "L,later@example.com,,,,,", "Taken,,912345000,,,,"]
    job_id = desk.tried(lines)
    row = correct(desk, desk.rows()[1], email=email)
    assert (row.outcome, row.code) == (outcome, code)
    before = len(desk.customers())
    go_on(desk, job_id)
    assert desk.job().status == ImportStatus.COMPLETED
    assert len(desk.customers()) == before + 2


def test_a_settled_row_is_not_corrected_again(desk: Desk) -> None:
    desk.tried([HEADER, ",broken@,,,,,"])
    row = desk.rows()[0]
    correct(desk, row, email="anna@example.com")
    with pytest.raises(import_steps.NothingToDecide):
        correct(desk, row, email="ben@example.com")


def test_a_row_whose_reading_is_gone_is_not_corrected(desk: Desk) -> None:
    desk.tried([HEADER, ",broken@,,,,,"])
    desk.sql("DELETE FROM staged_rows")
    with pytest.raises(imports.ReadAgain):
        correct(desk, desk.rows()[0], email="anna@example.com")


# --- many at once ------------------------------------------------------------------------


def decided(desk: Desk, job_id: int, code: str, choice: str, size: int = 100) -> None:
    desk.do(import_decisions.decide_all, job_id=job_id, code=code, choice=choice)
    while desk.do(import_decisions.decide_chunk, job_id=job_id, size=size):
        pass


def namesakes(desk: Desk) -> int:
    """Three rows like Anna, one like Ben: all wait."""
    day = date(1990, 2, 3)
    desk.add(full_name="Anna Sousa", birthday=day)
    desk.add(full_name="Ben Dias", birthday=day)
    rows = [
        "Anna Sousa,a1@example.com,,,1990-02-03,vip,",
        "Ben Dias,ben@example.com,,,1990-02-03,,",
        "Anna Sousa,,+351912345671,,1990-02-03,,",
    ]
    return desk.committed([HEADER, *rows], match_by=["email", "phone", "name_birthday"])


@pytest.mark.parametrize("size", [1, 100])
def test_all_namesakes_are_the_same_persons(desk: Desk, size: int) -> None:
    job_id = namesakes(desk)
    waiting = [row.code for row in desk.rows()]
    assert waiting == ["same_person"] * 3
    decided(desk, job_id, "same_person", "same", size)
    assert desk.customers("full_name, email, phone") == [
        ("Anna Sousa", "a1@example.com", "+351912345671"),
        ("Ben Dias", "ben@example.com", None),
    ]
    counted = desk.job().result or {}
    assert counted["updated"] == 3
    assert "deciding" not in counted
    assert desk.sql("SELECT count(*) FROM staged_rows") == [(0,)]


def test_all_namesakes_are_somebody_new_and_can_be_undone(real_desk: Desk) -> None:
    desk = real_desk
    job_id = namesakes(desk)
    code = "same_person"
    rows = len([row for row in desk.rows() if row.code == code])
    decided(desk, job_id, code, "new", size=2)
    assert len(desk.customers()) == 2 + rows
    assert (desk.job().result or {})["created"] == rows
    desk.undone(job_id)
    assert desk.customers("full_name") == [("Anna Sousa",), ("Ben Dias",)]


def test_rows_that_repeat_the_file_are_taken_into_their_customer(desk: Desk) -> None:
    lines = [HEADER, "Anna,a@example.com,,,,,", ",a@example.com,912345678,,,,",
             "Anna,a@example.com,,,1990-02-03,vip,"]  # fmt: skip
    job_id = desk.committed(lines)
    assert [row.code for row in desk.rows()] == [None, "in_file", "in_file"]
    decided(desk, job_id, "in_file", "same")
    assert desk.customers("full_name, phone, birthday") == [
        ("Anna", "+351912345678", date(1990, 2, 3))
    ]
    assert (desk.job().result or {})["updated"] == 2


REPEATED = [HEADER, "Anna,a@example.com,,,,,", ",a@example.com,912345678,,,,",
            "Anna,a@example.com,,Porto,1990-02-03,vip,yes", "Ben,b@example.com,,,,,"]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_was_decided_afterwards_is_undone_with_the_import(real_desk: Desk, size: int) -> None:
    desk = real_desk
    job_id = desk.committed(REPEATED)
    decided(desk, job_id, "in_file", "same", size=1)
    desk.do(imports.begin_undo, job_id=job_id)
    while desk.do(imports.undo_chunk, job_id=job_id, size=size):
        pass
    assert desk.customers() == []
    assert (desk.job().result or {})["kept"] == 0
    assert [row.undone for row in desk.rows()] == [True] * 4


@pytest.mark.parametrize("by_hand", ["before", "after"])
def test_who_was_changed_by_hand_beside_a_decision_is_kept(real_desk: Desk, by_hand: str) -> None:
    desk = real_desk
    job_id = desk.committed(REPEATED)
    change = "UPDATE customers SET note = 'x', updated_at = now() WHERE email = 'a@example.com'"
    if by_hand == "before":
        desk.sql(change)
    decided(desk, job_id, "in_file", "same", size=1)
    if by_hand == "after":
        desk.sql(change)
    desk.undone(job_id)
    assert desk.customers("email, note") == [("a@example.com", "x")]


def test_all_are_left_out_and_one_may_still_be_taken_in(desk: Desk) -> None:
    job_id = namesakes(desk)
    desk.do(import_decisions.decide_all, job_id=job_id, code="same_person", choice="leave")
    assert {row.code for row in desk.rows()} == {"left_out"}
    assert (desk.job().result or {})["skipped_duplicate"] == 3
    assert desk.settle(desk.rows()[0], "same").outcome == "updated"


def test_deciding_is_stopped_and_asked_once(desk: Desk) -> None:
    job_id = namesakes(desk)
    ask = {"job_id": job_id, "code": "same_person", "choice": "new"}
    desk.do(import_decisions.decide_all, **ask)
    with pytest.raises(imports.NotNow):
        desk.do(import_decisions.decide_all, **ask)
    desk.do(import_decisions.decide_chunk, job_id=job_id, size=1)
    desk.do(import_halting.ask_to_stop, job_id=job_id)
    assert not desk.do(import_decisions.decide_chunk, job_id=job_id)
    assert len(desk.customers()) == 3


@pytest.mark.parametrize(
    ("code", "choice"), [("invalid", "new"), ("same_person", "x"), ("in_file", "same")]
)
def test_there_is_nothing_to_decide(desk: Desk, code: str, choice: str) -> None:
    job_id = namesakes(desk)
    with pytest.raises(import_steps.NothingToDecide):
        desk.do(import_decisions.decide_all, job_id=job_id, code=code, choice=choice)


def test_problems_are_left_out_and_taken_up_again(desk: Desk) -> None:
    job_id = desk.committed([HEADER, BEN, ",broken@,,,,,", ",,,Porto,,,"])
    codes = [row.code for row in desk.rows()]
    assert desk.do(import_decisions.leave_problems_out, job_id=job_id) == 2
    assert desk.do(import_decisions.leave_problems_out, job_id=job_id) == 0
    assert [row.code for row in desk.rows()] == [None, "left_out", "left_out"]
    assert desk.do(import_decisions.take_problems_up, job_id=job_id) == 2
    assert [row.code for row in desk.rows()] == codes


# --- words and wishes --------------------------------------------------------------------


def test_an_undone_row_still_says_of_whom_it_spoke(real_desk: Desk) -> None:
    desk = real_desk
    job_id = desk.committed([HEADER, BEN, ",only@example.com,,,,,"])
    desk.undone(job_id)
    assert [row.after for row in desk.rows()] == [
        {"full_name": "Ben Dias"}, {"email": "only@example.com"},
    ]  # fmt: skip


def test_new_customers_come_by_the_channel_that_was_said(desk: Desk) -> None:
    job_id = desk.tried([HEADER, BEN])
    desk.sql("UPDATE import_jobs SET channel = 'walk_in' WHERE id = :job", job=job_id)
    go_on(desk, job_id)
    assert desk.customers("channel") == [("walk_in",)]
