"""A long list that two processes read says the same as one that is read here."""

import json
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import intake
from app.staging import COLUMNS, Staged

LINES = [
    "Name;E-mail;Mobile;Birthday;Tags;City",
    "Zoë Meier;zoe@example.com;0151 2345678;03.04.1988;vip, regular;Köln",
    'Ben;ben@@example;12;31.02.1990;;"St.\nAnna"',
    ";;;;vip;Köln",
    "",
    "Only;four;cells;here",
    "Cut",
    "Odd \x07 \u200b;a@example.com;;;;",
]


def kept(folder: Path, rows: int) -> Path:
    path = folder / "list.csv"
    path.write_bytes("\n".join([LINES[0], *LINES[1:] * rows]).encode())
    return path


def opened(path: Path, limits: intake.Limits) -> tuple[intake.Listing, dict[str, Any]]:
    listing = intake.open_list(path, filename="list.csv", limits=limits)
    return listing, listing.proposal()


def by_two(path: Path, limits: intake.Limits | None = None, **more: int) -> Generator[Staged]:
    bounds = limits or intake.Limits()
    listing, mapping = opened(path, bounds)
    return intake.staged_rows_of_two(listing, path, "list.csv", bounds, mapping, "DE", **more)


@pytest.mark.parametrize("rows", [1, 100, 400, 600])
@pytest.mark.parametrize(("alone", "start_line"), [(0, 0), (1000, 0), (7, 9)])
def test_every_value_and_problem_is_the_same(
    tmp_path: Path, rows: int, alone: int, start_line: int
) -> None:
    path = kept(tmp_path, rows)
    listing, mapping = opened(path, intake.Limits())
    here = list(intake.staged_rows(listing, mapping, "DE", start_line))
    assert list(by_two(path, alone=alone, start_line=start_line)) == here
    if start_line == 0:
        assert len(here) == 6 * rows
        told = [row[COLUMNS.index("problems") - 1] for row in here]
        codes = {problem["code"] for row in told if row for problem in json.loads(row)}
        assert codes >= {"email_unreadable", "no_identity", "too_few_cells"}


def test_a_list_that_turns_out_too_long_is_refused_by_the_same_sentence(tmp_path: Path) -> None:
    path, limits = kept(tmp_path, 2000), intake.Limits(max_rows=9500)
    listing, mapping = opened(path, limits)
    with pytest.raises(intake.Unreadable) as here:
        list(intake.staged_rows(listing, mapping, "DE"))
    with pytest.raises(intake.Unreadable) as there:
        list(by_two(path, limits, alone=0))
    assert str(there.value) == str(here.value)


def others() -> list[psutil.Process]:
    return [c for c in psutil.Process().children() if "app.intake.apart" in c.cmdline()]


def test_nobody_goes_on_reading_for_nobody(tmp_path: Path) -> None:
    rows = by_two(kept(tmp_path, 5000), alone=0)
    assert len(list(islice(rows, 1500))) == 1500
    assert len(others()) == 1
    rows.close()
    assert others() == []


def test_a_second_reader_that_is_killed_ends_no_list(tmp_path: Path) -> None:
    rows = by_two(kept(tmp_path, 5000), alone=0)
    next(rows)
    [other] = others()
    other.kill()
    with pytest.raises(RuntimeError, match="before its time"):
        list(rows)
