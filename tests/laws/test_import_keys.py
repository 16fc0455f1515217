"""Laws of the rows of a list: held to their job once a statement, as a key would hold each."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import SessionFactory, begin
from app.tenancy import acting, vendor_actor
from models.imports import ImportJob, ImportRow, StagedRow
from tests import make
from tests.laws.world import World
from tests.server import TestServer, own_database

ROWS = [
    pytest.param(ImportRow, make.import_row, id="import_rows"),
    pytest.param(StagedRow, make.staged_row, id="staged_rows"),
]
Make = Callable[..., Any]


class Gone:
    """A job that is not there."""

    def __init__(self, vendor_id: int) -> None:
        self.id, self.vendor_id = 987_654_321, vendor_id


@pytest.mark.parametrize(("model", "making"), ROWS)
def test_no_row_of_a_job_that_is_not_there(world: World, model: Any, making: Make) -> None:
    me = acting(vendor_actor(world.mine))
    with me, pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        making(session, job=Gone(world.mine))
    assert getattr(caught.value.orig, "sqlstate", None) == "23503"


@pytest.mark.parametrize(("model", "making"), ROWS)
def test_one_wrong_row_among_many_refuses_them_all(world: World, model: Any, making: Make) -> None:
    columns = [c.name for c in model.__table__.c if c.name not in ("id", "job_id", "position")]
    with acting(vendor_actor(world.mine)), begin() as session:
        job = make.import_job(session)
        row = making(session, job=job)
        job_id, before = job.id, _count(session, model, job.id)
    listed = ", ".join(columns)
    copies = text(
        f"INSERT INTO {model.__tablename__} (job_id, position, {listed})"
        f" SELECT CASE n WHEN 500 THEN 987654321 ELSE job_id END, 10000 + n, {listed}"
        f" FROM {model.__tablename__}, generate_series(1, 1000) AS n WHERE id = :id"
    )
    me = acting(vendor_actor(world.mine))
    with me, pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        session.execute(copies, {"id": row.id})
    assert getattr(caught.value.orig, "sqlstate", None) == "23503"
    with acting(vendor_actor(world.mine)), begin() as session:
        assert _count(session, model, job_id) == before


@pytest.mark.parametrize(("model", "making"), ROWS)
def test_a_row_stays_with_its_job(world: World, model: Any, making: Make) -> None:
    with acting(vendor_actor(world.mine)), begin() as session:
        job, other = make.import_job(session), make.import_job(session)
        row_id, other_id = making(session, job=job).id, other.id
    change = update(model).where(model.id == row_id).values(job_id=other_id)
    me = acting(vendor_actor(world.mine))
    with me, pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        session.execute(change)
    assert getattr(caught.value.orig, "sqlstate", None) == "23503"


@pytest.mark.parametrize(("model", "making"), ROWS)
def test_rows_go_with_their_job(world: World, model: Any, making: Make) -> None:
    with acting(vendor_actor(world.mine)), begin() as session:
        job, other = make.import_job(session), make.import_job(session)
        for _ in range(3):
            making(session, job=job)
        making(session, job=other)
        session.execute(delete(ImportJob).where(ImportJob.id == job.id))
        assert _count(session, model, job.id) == 0
        assert _count(session, model, other.id) == 1


@pytest.mark.parametrize(("model", "making"), ROWS)
def test_a_job_waits_for_rows_that_are_being_written(
    server: TestServer, model: Any, making: Make
) -> None:
    """Whoever takes the job away while rows are on their way takes those rows too."""
    with own_database(server, pool_size=4):
        me = make.new_vendor()
        with acting(vendor_actor(me)), begin() as session:
            job_id = make.import_job(session).id

        def take_away() -> None:
            with acting(vendor_actor(me)), begin() as session:
                session.execute(delete(ImportJob).where(ImportJob.id == job_id))

        other = Thread(target=take_away)
        with acting(vendor_actor(me)), begin() as session:
            making(session, job=session.get_one(ImportJob, job_id))
            other.start()
            other.join(0.3)
            assert other.is_alive()
        other.join(10)
        assert not other.is_alive()
        with acting(vendor_actor(me)), begin() as session:
            assert session.get(ImportJob, job_id) is None
            assert _count(session, model, job_id) == 0


def _count(session: Session, model: Any, job_id: int) -> int:
    return session.scalar(select(func.count()).where(model.job_id == job_id)) or 0
