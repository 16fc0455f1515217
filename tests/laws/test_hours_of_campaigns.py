"""An upgrade while a campaign goes out every day: it goes on at the hour it had."""

from datetime import time

from sqlalchemy import Connection

from tests.laws.test_announced import connection, migrate, run

__all__ = ["connection"]  # fixture


def test_a_campaign_that_goes_out_goes_on_at_its_hour(connection: Connection) -> None:
    migrate(connection, "0065", down=True)
    for sql in (
        "INSERT INTO vendors (slug, name, country, time_zone) VALUES ('a', 'A', 'NL',"
        " 'Europe/Amsterdam')",
        "INSERT INTO segments (vendor_id, name, definition_json) SELECT id, 'All', '{}'"
        " FROM vendors",
        "INSERT INTO message_templates (vendor_id, name, channel, purpose)"
        " SELECT id, 'Winter', 'sms', 'marketing' FROM vendors",
        "INSERT INTO campaigns (vendor_id, name, segment_id, template_id, rhythm, status, next_at)"
        " SELECT s.vendor_id, 'Daily', s.id, t.id, 'daily', status, next_at FROM segments s,"
        " message_templates t, (VALUES ('active', '2026-11-23 08:30+00'::timestamptz),"
        " ('stopped', NULL)) AS v (status, next_at)",
    ):
        run(connection, sql)
    migrate(connection, "0066")
    kept = run(connection, "SELECT goes_at FROM campaigns ORDER BY id")
    assert kept == [(time(9, 30),), (None,)]
    migrate(connection, "0065", down=True)
    migrate(connection, "0066")
    assert run(connection, "SELECT goes_at FROM campaigns ORDER BY id") == kept
