"""An upgrade from before: who came with past sales is found by their number elsewhere."""

from sqlalchemy import Connection

from app.contact import query_words
from tests.laws.test_announced import connection, migrate, run

__all__ = ["connection"]  # fixture


def test_customers_are_found_by_the_numbers_they_have(connection: Connection) -> None:
    migrate(connection, "0035", down=True)
    run(connection, "INSERT INTO vendors (slug, name, country, time_zone)"
                    " VALUES ('a', 'A', 'PT', 'UTC')")  # fmt: skip
    run(connection, "INSERT INTO customers (vendor_id, full_name, reference, search_text)"
                    " SELECT v.id, c.* FROM vendors v, (VALUES ('Ana', 'K-71', 'ana'),"
                    " ('Rui', '0017-850', 'rui'), ('Eva', NULL, 'eva'),"
                    " ('17850', '17850', '17850')) AS c")  # fmt: skip
    for _ in range(2):  # a run that was broken off is run again
        migrate(connection, "0036")
        found = dict(run(connection, "SELECT full_name, search_text FROM customers"))
        assert found == {
            "Ana": "ana k 71", "Rui": "rui 0017 850 17850", "Eva": "eva", "17850": "17850",
        }  # fmt: skip
        migrate(connection, "0035", down=True)
    assert set(query_words("K-71") + query_words("0017-850")) == {"k", "71", "17850"}
