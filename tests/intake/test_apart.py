"""A long list that a process of its own reads says the same as one that is read here."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

import psutil
import pytest

from app import intake
from models.staging import COLUMNS, Staged, staged

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


def kept(folder: Path, rows: int = 1) -> Path:
    path = folder / "list.csv"
    text = "\n".join([LINES[0], *LINES[1:] * rows])
    path.write_bytes(text.encode())
    return path


def both(
    path: Path, limits: intake.Limits | None = None, skip: int = 0, start_line: int = 0
) -> tuple[list[Staged], list[Staged]]:
    bounds = limits or intake.Limits()
    listing = intake.open_list(path, filename="list.csv", limits=bounds)
    mapping = listing.proposal()
    apart = intake.staged_rows_apart(
        path, filename="list.csv", limits=bounds, mapping=mapping, country="DE",
        start_line=start_line, skip=skip,
    )  # fmt: skip
    with apart as rows:
        typed = intake.typed_rows(listing, mapping, "DE", start_line, skip)
        return list(map(staged, typed)), list(rows)


@pytest.mark.parametrize(("skip", "start_line"), [(0, 0), (3, 0), (1, 4), (50_000, 0)])
def test_every_value_and_problem_is_the_same(tmp_path: Path, skip: int, start_line: int) -> None:
    here, apart = both(kept(tmp_path, 400), skip=skip, start_line=start_line)
    assert apart == here
    assert len(apart) == (0 if skip > 40_000 else len(here))
    if here:
        told = [row[COLUMNS.index("problems") - 1] for row in apart]
        codes = {problem["code"] for row in told if row for problem in json.loads(row)}
        assert codes >= {"email_unreadable", "no_identity", "too_few_cells"}


def test_a_list_that_turns_out_too_long_is_refused_by_the_same_sentence(tmp_path: Path) -> None:
    path, limits = kept(tmp_path, 2000), intake.Limits(max_rows=9000)
    listing = intake.open_list(path, filename="list.csv", limits=limits)
    with pytest.raises(intake.Unreadable) as here:
        list(intake.typed_rows(listing, listing.proposal(), "DE"))
    with (
        intake.staged_rows_apart(
            path, filename="list.csv", limits=limits, mapping=listing.proposal(), country="DE"
        ) as apart,
        pytest.raises(intake.Unreadable) as there,
    ):
        list(apart)
    assert str(there.value) == str(here.value)


def readers() -> list[psutil.Process]:
    return [c for c in psutil.Process().children() if "app.intake.apart" in c.cmdline()]


def reading(path: Path) -> AbstractContextManager[Iterator[Staged]]:
    listing = intake.open_list(path, filename="list.csv", limits=intake.Limits())
    return intake.staged_rows_apart(
        path, filename="list.csv", limits=intake.Limits(), mapping=listing.proposal(), country="DE"
    )


def test_nobody_goes_on_reading_for_nobody(tmp_path: Path) -> None:
    with reading(kept(tmp_path, 5000)) as rows:
        assert len(list(islice(rows, 3))) == 3
        assert len(readers()) == 1
    assert readers() == []


def test_a_reader_that_is_killed_is_no_list_that_ends(tmp_path: Path) -> None:
    with reading(kept(tmp_path, 5000)) as rows:
        next(rows)
        [reader] = readers()
        reader.kill()
        with pytest.raises(RuntimeError, match="before its time"):
            list(rows)
