"""An import is taken back: what it made goes, what it changed is as before, where nobody cares.

A customer who was changed since, or to whom something else refers, is kept, and the row says so.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations.import_matching import ADDRESS, CUSTOMER
from app.operations.import_reading import fresh_temp
from models.base import Base
from models.imports import ImportJob

KEPT_CHANGED, KEPT_IN_USE, KEPT_TAKEN = "kept_changed", "kept_in_use", "kept_taken"
KEPT = (KEPT_CHANGED, KEPT_IN_USE, KEPT_TAKEN)
"""Codes of rows that an undo leaves as they are: changed or used since, or stock that is gone."""

OWN = {
    "addresses", "consents", "customer_tags", "import_rows", "staged_rows", "audit_entries",
    "segment_memberships",
}  # fmt: skip
"""Tables that go with the customer and keep nothing alive."""


OURS = """greatest(c.created_at, (
  SELECT max((o.after ->> 'at')::timestamptz) FROM import_rows o WHERE o.vendor_id = c.vendor_id
  AND o.customer_id = c.id AND o.job_id = :job AND o.outcome = 'updated'))"""
"""When this import wrote into a customer last: what is younger is somebody else's change."""


def untouched(session: Session, *, job_id: int) -> list[int]:
    """Of the rows about to be written, those about customers of this very import, unchanged since.

    Asked before rows are settled one by one, after the import, and told to `remember`.
    """
    return list(
        session.scalars(
            text(
                "SELECT v.position FROM verdicts v JOIN customers c ON c.id = v.customer_id"
                f" WHERE v.outcome = 'updated' AND c.updated_at <= {OURS} AND EXISTS ("
                " SELECT 1 FROM import_rows m WHERE m.vendor_id = c.vendor_id"
                " AND m.customer_id = c.id AND m.job_id = :job AND m.outcome = 'created')"
            ),
            {"job": job_id},
        )
    )


def remember(session: Session, *, job_id: int, positions: list[int]) -> None:
    """That these rows were written now: an undo does not take it for somebody's change."""
    session.execute(
        text(
            "UPDATE import_rows r SET after = r.after || jsonb_build_object('at', now())"
            " WHERE r.job_id = :job AND r.position = ANY (:positions) AND r.outcome = 'updated'"
        ),
        {"job": job_id, "positions": positions},
    )


def undo_rows(session: Session, *, job_id: int, after: int, until: int) -> None:
    """Take back the rows of these positions."""
    fresh_temp(
        session,
        "taken_back",
        "SELECT r.position, r.outcome, r.customer_id, r.before, r.after, NULL::text AS kept"
        " FROM import_rows r WHERE r.job_id = :job AND r.position > :after"
        " AND r.position <= :until AND r.outcome IN ('created', 'updated')"
        " AND NOT r.undone AND r.customer_id IS NOT NULL",
        job=job_id, after=after, until=until,
    )  # fmt: skip
    session.execute(text("ANALYZE pg_temp.taken_back"))
    _lock(session)
    _spare_changed(session, job_id)
    _spare_used(session)
    _restore(session)
    _keep_names(session, job_id)
    _delete(session, job_id)
    session.execute(
        text(
            "UPDATE import_rows r SET undone = u.kept IS NULL, code = coalesce(u.kept, r.code)"
            " FROM taken_back u WHERE r.job_id = :job AND r.position = u.position"
        ),
        {"job": job_id},
    )


def _lock(session: Session) -> None:
    session.execute(
        text(
            "SELECT 1 FROM customers WHERE id IN (SELECT customer_id FROM taken_back)"
            " ORDER BY id FOR UPDATE"
        )
    )


def _spare_changed(session: Session, job_id: int) -> None:
    """Keep who was touched by anybody since: by hand, by a merge, or by a later import."""
    session.execute(
        text(
            f"""
            UPDATE taken_back u SET kept = '{KEPT_CHANGED}' FROM customers c
            CROSS JOIN LATERAL (SELECT {OURS} AS at OFFSET 0) AS ours
            WHERE c.id = u.customer_id AND (
              (u.outcome = 'created' AND (c.updated_at > ours.at
                OR EXISTS (SELECT 1 FROM addresses a WHERE a.vendor_id = c.vendor_id
                  AND a.customer_id = c.id AND (a.created_at > ours.at
                    OR a.updated_at > greatest(a.created_at, ours.at)))
                OR EXISTS (SELECT 1 FROM customer_tags t WHERE t.vendor_id = c.vendor_id
                  AND t.customer_id = c.id AND t.created_at > ours.at)
                OR EXISTS (SELECT 1 FROM consents k WHERE k.vendor_id = c.vendor_id
                  AND k.customer_id = c.id AND k.at > ours.at)))
              OR (u.outcome = 'updated' AND jsonb_typeof(u.after -> 'customer') = 'object'
                AND NOT to_jsonb(c) @> (u.after -> 'customer')))
            """
        ),
        {"job": job_id},
    )
    session.execute(
        text(
            f"""
            UPDATE taken_back u SET kept = '{KEPT_CHANGED}'
            WHERE u.kept IS NULL AND EXISTS (
              SELECT 1 FROM import_rows r
              WHERE r.vendor_id = current_setting('app.vendor_id')::bigint
              AND r.customer_id = u.customer_id AND r.job_id > :job AND r.outcome = 'updated'
              AND NOT r.undone)
            """
        ),
        {"job": job_id},
    )


def _spare_used(session: Session) -> None:
    """Keep who was made here and is needed elsewhere: a booking, an order, a task, ..."""
    for table, column in _referring():
        session.execute(
            text(
                f"UPDATE taken_back u SET kept = '{KEPT_IN_USE}'"
                " WHERE u.outcome = 'created' AND u.kept IS NULL AND EXISTS"
                f" (SELECT 1 FROM {table} x"
                "  WHERE x.vendor_id = current_setting('app.vendor_id')::bigint"
                f" AND x.{column} = u.customer_id)"
            )
        )


def _referring() -> list[tuple[str, str]]:
    """Every table and column that may refer to a customer and would be left hanging."""
    return [
        (table.name, key.column_keys[-1])
        for table in Base.metadata.sorted_tables
        if table.name not in OWN
        for key in table.foreign_key_constraints
        if key.referred_table.name == "customers"
    ]


def _restore(session: Session) -> None:
    picked = ", ".join(f"{name} = was.{name}" for name in CUSTOMER)
    session.execute(
        text(
            f"""
            UPDATE customers c SET {picked}, sort_name = u.before -> 'words' ->> 0,
              search_text = u.before -> 'words' ->> 1, updated_at = now()
            FROM taken_back u
            JOIN customers b ON b.id = u.customer_id
            CROSS JOIN LATERAL jsonb_populate_record(b, u.before -> 'customer') AS was
            WHERE c.id = u.customer_id AND u.outcome = 'updated' AND u.kept IS NULL
              AND jsonb_typeof(u.before -> 'customer') = 'object'
            """
        )
    )
    addresses = ", ".join(f"{n} = u.before -> 'address' ->> '{n}'" for n in (*ADDRESS, "city_key"))
    of_kept = "u.outcome = 'updated' AND u.kept IS NULL"
    session.execute(
        text(
            f"UPDATE addresses a SET {addresses}, updated_at = now() FROM taken_back u"
            f" WHERE {of_kept} AND a.id = (u.before -> 'address' ->> 'id')::bigint"
        )
    )
    session.execute(
        text(
            "DELETE FROM addresses a USING taken_back u"
            f" WHERE {of_kept} AND u.after ->> 'address' = 'add' AND a.id = ("
            "  SELECT max(x.id) FROM addresses x WHERE x.customer_id = u.customer_id)"
        )
    )
    session.execute(
        text(
            "DELETE FROM customer_tags ct USING taken_back u, tags t"
            f" WHERE {of_kept} AND jsonb_typeof(u.after -> 'tags') = 'array'"
            " AND ct.customer_id = u.customer_id AND t.id = ct.tag_id"
            " AND u.after -> 'tags' ? t.name"
        )
    )
    session.execute(
        text(
            "INSERT INTO consents (customer_id, channel, purpose, granted, source, proof, user_id)"
            " SELECT u.customer_id, said.key, 'marketing', said.value = 'false'::jsonb"
            " AND EXISTS (SELECT 1 FROM consents k WHERE k.customer_id = u.customer_id"
            " AND k.channel = said.key AND k.purpose = 'marketing' AND k.granted),"
            " 'import', 'import undone', current_setting('app.user_id')::bigint"
            " FROM taken_back u CROSS JOIN LATERAL jsonb_each(u.after -> 'consents') AS said"
            f" WHERE {of_kept} AND (SELECT k.source FROM consents k"
            " WHERE k.customer_id = u.customer_id AND k.channel = said.key"
            " AND k.purpose = 'marketing' ORDER BY k.id DESC LIMIT 1) = 'import'"
        )
    )


FORGET = (
    "UPDATE {} SET customer_id = NULL,"
    " undone = undone OR (job_id = :job AND outcome IN ('created', 'updated'))"
)
"""Rows of the same import that changed who it had made are undone together with them."""


def _keep_names(session: Session, job_id: int) -> None:
    """The report goes on to say of whom a row spoke, when nobody of that name is left."""
    session.execute(
        text(
            "UPDATE import_rows r SET after = jsonb_strip_nulls(jsonb_build_object("
            " 'full_name', c.full_name, 'company', c.company,"
            " 'email', CASE WHEN c.full_name IS NULL AND c.company IS NULL THEN c.email END,"
            " 'phone', CASE WHEN num_nonnulls(c.full_name, c.company, c.email) = 0"
            "   THEN c.phone END))"
            " FROM taken_back u JOIN customers c ON c.id = u.customer_id"
            " WHERE u.outcome = 'created' AND u.kept IS NULL"
            " AND r.job_id = :job AND r.position = u.position"
        ),
        {"job": job_id},
    )


def _delete(session: Session, job_id: int) -> None:
    """Delete who was made, and let the reports of other imports forget them."""
    fresh_temp(
        session,
        "leaving",
        "SELECT customer_id FROM taken_back WHERE outcome = 'created' AND kept IS NULL",
    )
    vendor = "vendor_id = current_setting('app.vendor_id')::bigint"
    for table in ("import_rows", "addresses", "customer_tags", "segment_memberships"):
        verb = FORGET if table == "import_rows" else "DELETE FROM {}"
        session.execute(
            text(
                f"{verb.format(table)} WHERE {vendor}"
                " AND customer_id IN (SELECT customer_id FROM leaving)"
            ),
            {"job": job_id} if table == "import_rows" else {},
        )
    session.execute(
        text(f"DELETE FROM customers WHERE {vendor} AND id IN (SELECT customer_id FROM leaving)")
    )


def drop_made_tags(session: Session, *, job: ImportJob) -> None:
    """The tags an import had to make go with it, unless somebody wears them."""
    result = dict(job.result or {})
    tag_ids, job.result = result.pop("tags", []), result
    session.execute(
        text(
            "DELETE FROM tags t WHERE t.id = ANY (:ids) AND NOT EXISTS"
            " (SELECT 1 FROM customer_tags ct WHERE ct.tag_id = t.id)"
        ),
        {"ids": tag_ids},
    )
