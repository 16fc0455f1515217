"""The page of the docs about filters says of every report which it takes."""

import re
from pathlib import Path

from reports.registry import all_reports

PAGE = Path(__file__).parents[2] / "docs" / "report-filters.md"
LINE = re.compile(r"^\| `([\w-]+)` \| ([\w, ]+) \| \S.*\. \|$", re.MULTILINE)


def test_every_filter_that_a_report_does_not_take_is_accounted_for() -> None:
    text = PAGE.read_text()
    said = {slug: set(names.split(", ")) for slug, names in LINE.findall(text)}
    taken = {
        slug: {"vendor", "channel", "category"} - r.filters for slug, r in all_reports().items()
    }
    assert said == {slug: missing for slug, missing in taken.items() if missing}
    for slug in all_reports():
        assert f"`{slug}`" in text, slug


def test_reports_without_a_period_are_named() -> None:
    sentence = PAGE.read_text().split("\n\n")[1].partition("Channel")[0]
    named = set(re.findall(r"`([\w-]+)`", sentence))
    assert named == {slug for slug, report in all_reports().items() if not report.periods}
