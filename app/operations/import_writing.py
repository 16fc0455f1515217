"""A judged chunk becomes customers, with what stood there before, so that it can be undone."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.contact import searchable
from app.operations.import_matching import ADDRESS, CUSTOMER
from app.operations.import_reading import HAS_ADDRESS, cursor_of, fresh_temp

_TAGGED = """
    INSERT INTO customer_tags (customer_id, tag_id)
    SELECT DISTINCT w.customer_id, t.id FROM ({who}) AS w
    CROSS JOIN LATERAL unnest(w.tags) AS said(tag)
    JOIN tags t ON t.vendor_id = {vendor} AND t.name = said.tag
    ON CONFLICT DO NOTHING
"""
_VENDOR = "(SELECT current_setting('app.vendor_id')::bigint)"
_USER = "(SELECT current_setting('app.user_id')::bigint)"


def write(session: Session, *, job_id: int, filename: str) -> list[int]:
    """Create and change what `chunk`, `found`, `merged` and `verdicts` say, and note it.

    Returns the ids of the tags that had to be made.
    """
    tags = _make_tags(session)
    _create(session, job_id)
    _describe(session)
    _change(session)
    _note_changes(session, job_id)
    _agree(session, filename)
    return tags


def _make_tags(session: Session) -> list[int]:
    made = session.scalars(
        text(
            "INSERT INTO tags (name) SELECT DISTINCT said.tag FROM chunk s JOIN verdicts v"
            " USING (position) CROSS JOIN LATERAL unnest(s.tags) AS said(tag)"
            " WHERE v.outcome IN ('created', 'updated')"
            " ORDER BY 1 ON CONFLICT DO NOTHING RETURNING id"
        )
    )
    return list(made)


def _create(session: Session, job_id: int) -> None:
    """New customers. The ids come in the order of the rows, which pairs them."""
    fresh_temp(session, "made", "SELECT position, 0::bigint AS customer_id FROM chunk WHERE false")
    session.execute(
        text(
            "WITH new AS (INSERT INTO customers (full_name, company, email, phone, phone_2,"
            " birthday, status, channel, note, sort_name, search_text)"
            " SELECT full_name, company, email, phone, phone_2, birthday,"
            " coalesce(s.status, 'active'), (SELECT channel FROM import_jobs WHERE id = :job),"
            " note, sort_name, search_text"
            " FROM chunk s JOIN verdicts v USING (position) WHERE v.outcome = 'created'"
            " ORDER BY position RETURNING id)"
            " INSERT INTO made SELECT p.position, n.id"
            " FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM new) AS n"
            " JOIN (SELECT position, row_number() OVER (ORDER BY position) AS nth FROM verdicts"
            " WHERE outcome = 'created') AS p USING (nth)"
        ),
        {"job": job_id},
    )
    session.execute(text("ANALYZE pg_temp.made"))
    listed = ", ".join(ADDRESS)
    session.execute(
        text(
            f"INSERT INTO addresses (customer_id, {listed}, city_key)"
            f" SELECT m.customer_id, {listed}, city_key FROM chunk s JOIN made m USING (position)"
            f" WHERE {HAS_ADDRESS} ORDER BY position"
        )
    )
    who = "SELECT m.customer_id, s.tags FROM chunk s JOIN made m USING (position)"
    session.execute(text(_TAGGED.format(who=who, vendor=_VENDOR)))
    session.execute(
        text(
            "INSERT INTO import_rows (job_id, position, line, page, outcome, customer_id)"
            " SELECT :job, position, s.line, s.page, 'created', m.customer_id"
            " FROM chunk s JOIN made m USING (position) ORDER BY position"
            " ON CONFLICT (vendor_id, job_id, position)"
            " DO UPDATE SET customer_id = excluded.customer_id"
        ),
        {"job": job_id},
    )


def _describe(session: Session) -> None:
    """`words`: by what the changed customers will be found."""
    fresh_temp(session, "words", "SELECT id, sort_name, search_text FROM customers WHERE false")
    changed = session.execute(
        text(
            "SELECT m.customer_id, n_full_name, n_company, n_email, n_phone, n_phone_2, c.reference"
            " FROM merged m JOIN verdicts v USING (position) JOIN customers c ON c.vendor_id = "
            + _VENDOR
            + " AND c.id = m.customer_id WHERE v.outcome = 'updated' AND fields"
        )
    ).all()
    with cursor_of(session).copy("COPY words FROM STDIN") as copy:
        for customer_id, *names in changed:
            copy.write_row((customer_id, *searchable(*names)))


def _change(session: Session) -> None:
    picked = ", ".join(f"{name} = m.n_{name}" for name in CUSTOMER)
    session.execute(
        text(
            f"UPDATE customers c SET {picked}, sort_name = w.sort_name,"
            " search_text = w.search_text, updated_at = now()"
            " FROM merged m JOIN words w ON w.id = m.customer_id"
            " WHERE c.vendor_id = " + _VENDOR + " AND c.id = m.customer_id"
        )
    )


def _changed_rows(columns: str, condition: str) -> str:
    return (
        f"SELECT {columns} FROM merged m JOIN chunk s USING (position)"
        f" JOIN verdicts v USING (position) WHERE v.outcome = 'updated' AND {condition}"
    )


def _note_changes(session: Session, job_id: int) -> None:
    """Addresses and tags of known customers, and `before` and `after` of each row."""
    old = ", ".join(f"'{n}', m.o_{n}" for n in CUSTOMER)
    new = ", ".join(f"'{n}', m.n_{n}" for n in CUSTOMER)
    listed = ", ".join(ADDRESS)
    session.execute(
        text(
            f"""
            UPDATE import_rows r SET customer_id = m.customer_id,
              before = jsonb_build_object(
                'customer', (SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(was) AS o
                  WHERE o.value IS DISTINCT FROM became -> o.key),
                'words', CASE WHEN m.fields
                  THEN jsonb_build_array(m.o_sort_name, m.o_search_text) END,
                'address', CASE WHEN m.address = 'change' THEN (
                  SELECT to_jsonb(a) FROM (SELECT id, {listed}, city_key FROM addresses
                  WHERE id = m.address_id) AS a) END),
              after = jsonb_build_object(
                'customer', (SELECT jsonb_object_agg(n.key, n.value) FROM jsonb_each(became) AS n
                  WHERE n.value IS DISTINCT FROM was -> n.key),
                'address', m.address, 'tags', to_jsonb(m.tags),
                'consents', jsonb_strip_nulls(jsonb_build_object(
                  'email', m.consent_email, 'sms', m.consent_sms)))
            FROM merged m JOIN verdicts v USING (position)
            CROSS JOIN LATERAL (SELECT jsonb_build_object({old}) AS was,
                                       jsonb_build_object({new}) AS became) AS both_sides
            WHERE r.job_id = :job AND r.position = m.position AND v.outcome = 'updated'
            """
        ),
        {"job": job_id},
    )
    session.execute(
        text(
            f"INSERT INTO addresses (customer_id, {listed}, city_key) "
            + _changed_rows(f"m.customer_id, {listed}, city_key", "m.address = 'add'")
        )
    )
    picked = ", ".join(f"{n} = coalesce(w.{n}, a.{n})" for n in (*ADDRESS, "city_key"))
    rows = _changed_rows(f"m.address_id, {listed}, city_key", "m.address = 'change'")
    session.execute(
        text(
            f"UPDATE addresses a SET {picked}, updated_at = now() FROM ({rows}) AS w"
            " WHERE a.id = w.address_id"
        )
    )
    tagged = _changed_rows("m.customer_id, m.tags", "m.tags IS NOT NULL")
    session.execute(text(_TAGGED.format(who=tagged, vendor=_VENDOR)))


def _agree(session: Session, filename: str) -> None:
    """What the rows say about marketing, with the file and the line as the proof."""
    for channel in ("email", "sms"):
        said = f"s.marketing_{channel}"
        rows = (
            f"SELECT m.customer_id, s.line, s.page, {said} AS granted FROM chunk s JOIN made m"
            f" USING (position) WHERE {said} IS NOT NULL UNION ALL "
            + _changed_rows(
                f"m.customer_id, s.line, s.page, m.consent_{channel}",
                f"m.consent_{channel} IS NOT NULL",
            )
        )
        session.execute(
            text(
                "INSERT INTO consents (customer_id, channel, purpose, granted, source, proof,"
                f" user_id) SELECT customer_id, '{channel}', 'marketing', granted, 'import',"
                " CAST(:filename AS text) || ', ' ||"
                " coalesce('page ' || page::text || ', ', '') || 'line ' || line::text,"
                f" {_USER} FROM ({rows}) AS said"
            ),
            {"filename": filename},
        )


def name_leaders(session: Session, job_id: int) -> None:
    """Rows that repeat an earlier one point to its customer.

    OFFSET 0 holds the planner to one look-up a row: it would walk all rows that have a customer.
    """
    session.execute(
        text(
            "UPDATE import_rows r SET customer_id = l.customer_id"
            " FROM chunk s CROSS JOIN LATERAL (SELECT customer_id FROM import_rows"
            " WHERE vendor_id = s.vendor_id AND job_id = :job AND position = s.leader OFFSET 0) l"
            " WHERE r.vendor_id = s.vendor_id AND r.job_id = :job AND r.position = s.position"
            " AND s.leader IS NOT NULL AND l.customer_id IS NOT NULL"
            " AND r.customer_id IS NULL"
        ),
        {"job": job_id},
    )
