"""What the demo's customers were told in the year before: reminders, offers, and some answers.

What `told` tells in full stays as it is; of these the words are short.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.seeding.rows import HISTORY

_COLUMNS = """
  vendor_id, customer_id, direction, channel, purpose, event, status, address, subject, body,
  booking_id, key, send_at, sent_at, delivered_at, failed_at, provider, reason, error, tries,
  created_at"""

REMINDERS = text(f"""
INSERT INTO messages ({_COLUMNS})
SELECT r.vendor_id, r.customer_id, 'out', 'email', 'reminder', 'booking_reminder',
  CASE WHEN lost THEN 'failed' WHEN r.id % 4 = 1 THEN 'sent' ELSE 'delivered' END, r.email,
  'Tomorrow: ' || r.service, 'Hello, we look forward to seeing you tomorrow.', r.id, NULL, r.at,
  CASE WHEN NOT lost THEN r.at END, CASE WHEN NOT lost AND r.id % 4 <> 1 THEN r.at END,
  CASE WHEN lost THEN r.at END, 'smtp', CASE WHEN lost THEN 'RecipientRefused' END,
  CASE WHEN lost THEN 'The mail server refuses the recipient (550): check the e-mail address.' END,
  1, r.at
FROM (
  SELECT b.vendor_id, b.customer_id, b.id, c.email, s.name AS service,
    b.starts_at - interval '1 day' AS at, b.id % 41 = 7 AS lost
  FROM bookings b
  JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id
  JOIN services s ON s.vendor_id = b.vendor_id AND s.id = b.service_id
  WHERE b.vendor_id = :vendor AND b.status IN ('completed', 'no_show') AND c.email IS NOT NULL
    AND b.starts_at > :since AND b.starts_at < :until
    AND b.created_at < b.starts_at - interval '1 day'
    AND NOT EXISTS (SELECT FROM messages m WHERE m.booking_id = b.id AND m.vendor_id = b.vendor_id
      AND m.event = 'booking_reminder')
) AS r ORDER BY r.at
""")  # noqa: S608 - the columns stand above

OFFERS = text(f"""
INSERT INTO messages ({_COLUMNS})
SELECT o.vendor_id, o.customer_id, 'out', 'email', 'marketing', 'win_back', 'delivered', o.email,
  'We miss you', 'Hello, it has been a while: come by, we would like to see you again.', NULL,
  'rule:' || o.rule || ':win_back:customer:' || o.customer_id || ':' || o.n, o.at, o.at, o.at,
  NULL, 'smtp', NULL, NULL, 1, o.at
FROM (
  SELECT c.vendor_id, c.id AS customer_id, c.email, r.id AS rule, n,
    :until - make_interval(days => CAST(n * 45 + c.id % 45 AS integer)) AS at
  FROM customers c CROSS JOIN generate_series(0, 7) AS n
  JOIN LATERAL (
    SELECT id FROM message_rules m WHERE m.vendor_id = c.vendor_id AND m.event = 'win_back'
    ORDER BY id LIMIT 1
  ) AS r ON true
  WHERE c.vendor_id = :vendor AND c.email IS NOT NULL
    AND (SELECT k.granted FROM consents k WHERE k.vendor_id = c.vendor_id AND k.customer_id = c.id
      AND k.channel = 'email' AND k.purpose = 'marketing' ORDER BY k.id DESC LIMIT 1)
    AND c.created_at < :until - make_interval(days => CAST(n * 45 + c.id % 45 + 30 AS integer))
) AS o
WHERE NOT EXISTS (
  SELECT FROM bookings b WHERE b.vendor_id = o.vendor_id AND b.customer_id = o.customer_id
  AND b.starts_at > o.at - interval '30 days' AND b.starts_at < o.at)
ORDER BY o.at
""")  # noqa: S608 - the columns stand above

ANSWERS = text(f"""
INSERT INTO messages ({_COLUMNS})
SELECT vendor_id, customer_id, 'in', channel, 'transactional', NULL, 'delivered', NULL, NULL,
  'Thank you, see you then!', NULL, NULL, sent_at + interval '3 hours',
  sent_at + interval '3 hours', sent_at + interval '3 hours', NULL, NULL, NULL, NULL, 0,
  sent_at + interval '3 hours'
FROM messages WHERE vendor_id = :vendor AND direction = 'out' AND id % 19 = 3
  AND sent_at > :since AND sent_at < :until ORDER BY sent_at
""")  # noqa: S608 - the columns stand above


def write(session: Session, vendor_id: int, now: datetime) -> None:
    """A year of reminders; of offers and answers too, but for the days of which `told` tells."""
    known = {"vendor": vendor_id, "since": now - HISTORY / 2, "until": now - timedelta(days=12)}
    session.execute(REMINDERS, known | {"until": now})
    for statement in (OFFERS, ANSWERS):
        session.execute(statement, known)
