"""Bulk changes on screen: what was done, what was left and why, undone once."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from app.database import begin
from app.operations import bulk
from app.tenancy import acting, vendor_actor
from models.bulk import BulkJob
from models.tags import CustomerTag
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of

HOME = "/admin/bulk-job"


def tagged(vendor: int, limit: int = 1000) -> tuple[int, int]:
    """A job that tags two customers and leaves one, and the one who was left."""
    with acting(vendor_actor(vendor)), begin() as session:
        known = make.customer(session, full_name="Has it already")
        make.customer_tag(session, customer=known, tag=make.tag(session, name="vip"))
        ids = [known.id, make.customer(session).id, make.customer(session).id]
        job = bulk.start(session, kind="add_tag", value="vip", ids=ids, inline_limit=limit)
        return job.id, known.id


def status(vendor: int, number: int) -> tuple[str, int]:
    with acting(vendor_actor(vendor)), begin() as session:
        tags = session.scalar(select(func.count()).select_from(CustomerTag)) or 0
        return session.get_one(BulkJob, number).status, tags


@pytest.mark.parametrize("role", [staff, manager, lambda _: admin()])
def test_a_job_tells_what_it_did_and_is_undone_once(
    panel: PanelClient, db: Connection, role: Callable[[int], Any]
) -> None:
    vendor = make.new_vendor()
    number, left = tagged(vendor)
    panel.as_(role(vendor))
    page = panel.get(f"{HOME}/details/{number}").text
    told = text_of(page)
    assert "Add tag “vip”" in told
    assert "Has it already" in told
    assert f"/admin/customer/details/{left}" in page
    assert "Left as they were" in told
    assert status(vendor, number) == ("done", 3)
    undo = f"{HOME}/do/{number}/undo"
    assert panel.post(undo).status_code == 303
    assert status(vendor, number) == ("undone", 1)
    page = panel.get(f"{HOME}/details/{number}").text
    assert undo not in page
    panel.post(undo)
    assert "cannot be done any more" in text_of(panel.get(f"{HOME}/list").text)
    assert status(vendor, number) == ("undone", 1)


def test_a_job_that_still_waits_is_not_undone_and_shows_its_progress(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    number, _ = tagged(vendor, limit=0)
    panel.as_(manager(vendor))
    page = panel.get(f"{HOME}/details/{number}").text
    assert f"/admin/customer/jobs/{number}" in page
    assert f"{HOME}/do/{number}/undo" not in page
    panel.post(f"{HOME}/do/{number}/undo")
    assert status(vendor, number) == ("queued", 1)


def test_others_neither_see_nor_undo_it(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    number, _ = tagged(vendor)
    for actor, refused in ((manager(make.new_vendor()), 404), (analyst(), 403)):
        panel.as_(actor)
        assert panel.get(f"{HOME}/details/{number}").status_code == refused
        assert panel.post(f"{HOME}/do/{number}/undo").status_code == refused
    assert status(vendor, number) == ("done", 3)


def test_nothing_of_it_is_edited(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    number, _ = tagged(vendor)
    panel.as_(admin())
    for path in ("create", f"edit/{number}", f"remove/{number}"):
        assert panel.post(f"{HOME}/{path}", data={"total": "9"}).status_code == 403, path


def test_reasons_are_counted_no_further_than_the_cap(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        job = make.bulk_job(session)
        for reason in ("no e-mail", "no e-mail", "no e-mail", None):
            customer = make.customer(session)
            make.bulk_row(session, job=job, customer=customer, outcome="skipped", reason=reason)
        done = make.customer(session)
        make.bulk_row(session, job=job, customer=done, outcome="done")
        every = [("no e-mail", 3), ("No reason was noted", 1)]
        assert bulk.reasons(session, job_id=job.id, cap=10) == every
        assert bulk.reasons(session, job_id=job.id, cap=1) == [("no e-mail", 2)]
