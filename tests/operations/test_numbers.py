"""Numbers: without gaps, without doubles, each vendor's and each series' own."""

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import numbers
from app.tenancy import acting, vendor_actor
from tests import make


def test_a_series_counts_from_one_without_gaps(db: Connection) -> None:
    vendor_id = make.new_vendor()
    drawn = []
    with acting(vendor_actor(vendor_id)):
        for goes_wrong in (False, True, False):
            try:
                with begin() as session:
                    number = numbers.draw(session, vendor_id=vendor_id, series="receipts")
                    if goes_wrong:
                        raise InterruptedError
                    drawn.append(number)
            except InterruptedError:
                pass
        with begin() as session:
            other = numbers.draw(session, vendor_id=vendor_id, series="invoices")
    assert (drawn, other) == ([1, 2], 1)


def test_a_vendor_counts_for_itself(db: Connection) -> None:
    for vendor_id in (make.new_vendor(), make.new_vendor()):
        with acting(vendor_actor(vendor_id)), begin() as session:
            assert numbers.draw(session, vendor_id=vendor_id, series="claims") == 1


def test_a_series_of_another_spelling_is_a_mistake(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with (
        acting(vendor_actor(vendor_id)),
        begin() as session,
        pytest.raises(ValueError, match="Invoices"),
    ):
        numbers.draw(session, vendor_id=vendor_id, series="Invoices")
