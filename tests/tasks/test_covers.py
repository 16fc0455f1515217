"""Each hour what is over ends, at every vendor."""

from datetime import timedelta

from sqlalchemy import Connection

from app import clock
from app.database import begin
from app.tenancy import SYSTEM, acting, vendor_actor
from models.covers import Cover
from tasks import covers
from tasks.celery import MODULES, celery_app
from tests import make


def test_what_is_over_ends_within_the_hour(db: Connection) -> None:
    ids = []
    for vendor_id in (make.new_vendor(), make.new_vendor()):
        with acting(vendor_actor(vendor_id)), begin() as session:
            line = make.order(session).lines[0]
            ids.append(make.cover(session, line=line, ends_on=make.NOON.date()).id)
    with clock.stopped_at(make.NOON + timedelta(days=1)):
        assert covers.expire.apply().result == 2
    with acting(SYSTEM), begin() as session:
        assert {session.get_one(Cover, number).status for number in ids} == {"expired"}


def test_it_runs_each_hour() -> None:
    assert "tasks.covers" in MODULES
    beat = celery_app.conf.beat_schedule["end-covers"]
    assert (beat["task"], beat["schedule"].minute) == ("tasks.covers.expire", {1})
