"""Who a row of a list is: known already, new, or perhaps the same as somebody.

Everything is decided by SQL over a chunk of staged rows, in the same way when a list is tried
out and when it is imported, so that the two can be compared.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations.import_reading import CONTACTLESS, HAS_ADDRESS, fresh_temp
from models.imports import Strategy

PLAIN = ("full_name", "company", "email", "birthday", "note")
ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
CUSTOMER = (*PLAIN, "phone", "phone_2", "status")

BY_NAME = ("same_person", "same_name")
"""Codes of rows that were found by name only: they take no customer for themselves."""


def open_chunk(session: Session, *, job_id: int, after: int, until: int) -> None:
    """The staged rows of these positions as the temporary table `chunk`."""
    fresh_temp(
        session,
        "chunk",
        "SELECT * FROM staged_rows"
        " WHERE job_id = :job AND position > :after AND position <= :until ORDER BY position",
        job=job_id, after=after, until=until,
    )  # fmt: skip
    session.execute(text("ANALYZE pg_temp.chunk (vendor_id, job_id, position, leader)"))


def match_by_contact(session: Session, *, match_by: Sequence[str]) -> None:
    """`found(position, customer_id)`: the customer with the row's e-mail, else with its phone.

    `min(id + 0)` keeps the planner from walking the ids in order instead of using the index.
    """
    by_email = "true" if "email" in match_by else "false"
    by_phone = "true" if "phone" in match_by else "false"
    fresh_temp(
        session,
        "found",
        f"""
        SELECT s.position, coalesce(e.id, p.id) AS customer_id, NULL::text AS code
        FROM chunk s
        LEFT JOIN LATERAL (
          SELECT min(c.id + 0) AS id FROM customers c
          WHERE c.vendor_id = s.vendor_id AND c.email = s.email AND c.archived_at IS NULL
        ) e ON {by_email}
        LEFT JOIN LATERAL (
          SELECT min(id) AS id FROM (
            SELECT c.id + 0 AS id FROM customers c WHERE c.vendor_id = s.vendor_id
              AND c.phone = ANY (ARRAY[s.phone, s.phone_2]) AND c.archived_at IS NULL
            UNION ALL
            SELECT c.id + 0 AS id FROM customers c WHERE c.vendor_id = s.vendor_id
              AND c.phone_2 = ANY (ARRAY[s.phone, s.phone_2]) AND c.archived_at IS NULL
          ) AS holders
        ) p ON {by_phone} AND e.id IS NULL AND num_nonnulls(s.phone, s.phone_2) > 0
        WHERE s.valid AND s.leader IS NULL
        """,
    )
    session.execute(text("ANALYZE pg_temp.found (customer_id)"))


_SAME_ADDRESS = (
    "a.vendor_id = c.vendor_id AND a.customer_id = c.id"
    " AND lower(a.line1) IS NOT DISTINCT FROM lower(s.line1)"
    " AND a.postal_code IS NOT DISTINCT FROM s.postal_code"
    " AND a.city_key IS NOT DISTINCT FROM s.city_key"
)
_ANY_ADDRESS = "a.vendor_id = c.vendor_id AND a.customer_id = c.id"


def match_by_name(session: Session, *, job_id: int, match_by: Sequence[str], settled: int) -> None:
    """Look for those not found by contact by their name; `found` says how, in `code`.

    `same_person`: name and birthday agree, or nothing but a name is said and nothing speaks
    against it; somebody has to decide. `same_name`: the row says no more than the name (and
    address) of a customer without e-mail and phone; this is that customer. Customers whom this
    job makes or has found by contact are not asked again by their name alone; by name and
    birthday they are, as long as no row up to `settled` can have made or changed them.
    """
    born = "UNION ALL " + _BORN_ALIKE if "name_birthday" in match_by else ""
    birthday = "c.birthday = s.birthday" if "name_birthday" in match_by else "false"
    session.execute(
        text(
            f"""
            UPDATE found f SET customer_id = coalesce(n.exact, n.perhaps),
              code = CASE WHEN n.exact IS NOT NULL THEN 'same_name' ELSE 'same_person' END
            FROM chunk s CROSS JOIN LATERAL (
              SELECT min(id) FILTER (WHERE exact) AS exact,
                min(id) FILTER (WHERE perhaps) AS perhaps
              FROM ({_NAMESAKES.format(birthday=birthday)} {born}) AS alike
            ) n
            WHERE f.position = s.position AND f.customer_id IS NULL
              AND s.name_key IS NOT NULL AND num_nonnulls(n.exact, n.perhaps) > 0
            """
        ),
        {"job": job_id, "settled": settled},
    )


_NOT_OURS = """c.vendor_id = s.vendor_id AND c.archived_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM import_rows r WHERE r.vendor_id = c.vendor_id
  AND r.customer_id = c.id AND r.job_id = :job
  AND r.code IS DISTINCT FROM 'same_person' AND r.code IS DISTINCT FROM 'same_name'
  AND (r.position <= :settled OR c.birthday IS DISTINCT FROM s.birthday))"""

_BORN_ALIKE = f"""
  SELECT c.id, false AS exact, true AS perhaps FROM customers c
  WHERE c.birthday = s.birthday AND c.sort_name = s.name_key
    AND NOT ({CONTACTLESS}) AND {_NOT_OURS}
"""

_NAMESAKES = f"""
  SELECT c.id,
    num_nonnulls(c.email, c.phone, c.phone_2) = 0
      AND c.birthday IS NOT DISTINCT FROM s.birthday
      AND (EXISTS (SELECT 1 FROM addresses a WHERE {_SAME_ADDRESS})
        OR NOT ({HAS_ADDRESS})
          AND NOT EXISTS (SELECT 1 FROM addresses a WHERE {_ANY_ADDRESS})) AS exact,
    ({{birthday}}) OR (c.birthday = s.birthday) IS NOT FALSE
      AND (NOT ({HAS_ADDRESS})
        OR NOT EXISTS (SELECT 1 FROM addresses a WHERE {_ANY_ADDRESS})
        OR EXISTS (SELECT 1 FROM addresses a WHERE {_SAME_ADDRESS})) AS perhaps
  FROM customers c
  WHERE c.sort_name = s.name_key AND {CONTACTLESS} AND {_NOT_OURS}
"""
"""A row that has neither e-mail nor phone is compared with everybody of its name; any other
only with those of its name and birthday (`_BORN_ALIKE`), which an index answers."""


def merge(session: Session, *, strategy: str) -> None:
    """`merged`: what each known customer would be after the row, and whether anything changes."""
    picks = ", ".join(f"{_picked(name, strategy)} AS n_{name}" for name in PLAIN)
    status = "coalesce(s.status, c.status)" if strategy == Strategy.OVERWRITE else "c.status"
    old = ", ".join(f"c.{name} AS o_{name}" for name in CUSTOMER)
    fresh_temp(
        session,
        "merged",
        f"""
        SELECT s.position, c.id AS customer_id, {old}, {picks}, {status} AS n_status,
          ph.n_phone, {_second_phone(strategy)} AS n_phone_2,
          c.sort_name AS o_sort_name, c.search_text AS o_search_text,
          a.first_id AS address_id, {_address_verdict(strategy)} AS address,
          t.missing AS tags,
          {_consent_verdict("email", strategy)} AS consent_email,
          {_consent_verdict("sms", strategy)} AS consent_sms
        FROM found f JOIN chunk s USING (position)
        JOIN customers c ON c.vendor_id = s.vendor_id AND c.id = f.customer_id
        CROSS JOIN LATERAL (SELECT {_first_phone(strategy)} AS n_phone) ph
        LEFT JOIN LATERAL (
          SELECT min(a.id) AS first_id, count(*) FILTER (WHERE {_agrees("a")}) AS equal
          FROM addresses a WHERE a.vendor_id = c.vendor_id AND a.customer_id = c.id
        ) a ON {HAS_ADDRESS}
        LEFT JOIN LATERAL (
          SELECT array_agg(said.tag) AS missing FROM unnest(s.tags) AS said(tag)
          WHERE NOT EXISTS (
            SELECT 1 FROM customer_tags ct JOIN tags t ON t.id = ct.tag_id
            WHERE ct.vendor_id = c.vendor_id AND ct.customer_id = c.id AND t.name = said.tag)
        ) t ON s.tags IS NOT NULL
        LEFT JOIN LATERAL ({_standing("email")}) ce ON s.marketing_email IS NOT NULL
        LEFT JOIN LATERAL ({_standing("sms")}) cs ON s.marketing_sms IS NOT NULL
        WHERE f.customer_id IS NOT NULL AND f.code IS DISTINCT FROM 'same_person'
        """,
    )
    session.execute(
        text("ALTER TABLE merged ADD COLUMN fields boolean, ADD COLUMN any_change boolean")
    )
    differs = " OR ".join(f"n_{name} IS DISTINCT FROM o_{name}" for name in CUSTOMER)
    session.execute(text(f"UPDATE merged SET fields = ({differs})"))
    session.execute(
        text(
            "UPDATE merged SET any_change = fields OR address IS NOT NULL OR tags IS NOT NULL"
            " OR consent_email IS NOT NULL OR consent_sms IS NOT NULL"
        )
    )


def _picked(name: str, strategy: str) -> str:
    first, second = ("s", "c") if strategy == Strategy.OVERWRITE else ("c", "s")
    return f"coalesce({first}.{name}, {second}.{name})"


def _first_phone(strategy: str) -> str:
    new = "CASE WHEN s.phone IS DISTINCT FROM c.phone_2 THEN s.phone END"
    if strategy == Strategy.OVERWRITE:
        return f"coalesce({new}, c.phone)"
    return f"coalesce(c.phone, {new})"


def _second_phone(strategy: str) -> str:
    new = "CASE WHEN s.phone_2 IS DISTINCT FROM ph.n_phone THEN s.phone_2 END"
    if strategy == Strategy.OVERWRITE:
        return f"coalesce({new}, c.phone_2)"
    return f"coalesce(c.phone_2, {new})"


def _agrees(address: str) -> str:
    """Everything the row says of the address stands there already."""
    return " AND ".join(
        f"(s.{name} IS NULL OR {address}.{name} IS NOT DISTINCT FROM s.{name})" for name in ADDRESS
    )


def _address_verdict(strategy: str) -> str:
    change = "'change'" if strategy == Strategy.OVERWRITE else "NULL"
    return (
        f"CASE WHEN NOT ({HAS_ADDRESS}) THEN NULL WHEN a.first_id IS NULL THEN 'add'"
        f" WHEN a.equal > 0 THEN NULL ELSE {change} END"
    )


def _standing(channel: str) -> str:
    return (
        "SELECT k.granted FROM consents k WHERE k.vendor_id = c.vendor_id"
        f" AND k.customer_id = c.id AND k.channel = '{channel}' AND k.purpose = 'marketing'"
        " ORDER BY k.id DESC LIMIT 1"
    )


def _consent_verdict(channel: str, strategy: str) -> str:
    """A first word is taken; a withdrawal stands; a consent may be taken back by the list."""
    said, standing = f"s.marketing_{channel}", f"c{channel[0]}.granted"
    lowers = f"{standing} AND NOT {said}" if strategy == Strategy.OVERWRITE else "false"
    return f"CASE WHEN {standing} IS NULL OR ({lowers}) THEN {said} END"


def verdicts(session: Session, *, strategy: str) -> None:
    """`verdicts(position, outcome, code, customer_id)`: what becomes of every row of the chunk."""
    known = (
        "'skipped_duplicate'"
        if strategy == Strategy.SKIP
        else "CASE WHEN m.any_change THEN 'updated' ELSE 'unchanged' END"
    )
    code = "coalesce(f.code, 'known')" if strategy == Strategy.SKIP else "f.code"
    fresh_temp(
        session,
        "verdicts",
        f"""
        SELECT s.position,
          CASE WHEN NOT s.valid THEN 'invalid' WHEN s.leader IS NOT NULL THEN 'skipped_duplicate'
            WHEN f.customer_id IS NULL THEN 'created'
            WHEN f.code = 'same_person' THEN 'skipped_duplicate' ELSE {known} END AS outcome,
          CASE WHEN NOT s.valid THEN s.code WHEN s.leader IS NOT NULL THEN s.link
            WHEN f.customer_id IS NULL THEN NULL
            WHEN f.code = 'same_person' THEN 'same_person' ELSE {code} END AS code,
          f.customer_id
        FROM chunk s LEFT JOIN found f USING (position) LEFT JOIN merged m USING (position)
        """,
    )
