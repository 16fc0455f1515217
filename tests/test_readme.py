"""What the README promises is what the programs do.

`WRITE_README=1 make test ARGS=tests/test_readme.py` writes its tables anew.
"""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from admin_views.access import as_markdown
from app.__main__ import parser
from app.demo import PASSWORD, SLUGS
from app.settings import Settings
from tests.test_house import committed

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def between(name: str) -> re.Pattern[str]:
    """What stands between two marks of the README."""
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)


def commands() -> list[str]:
    """Every command of the README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]
    return [part.strip() for line in lines for part in line.split("&") if part.strip()]


def settings_table() -> str:
    """A row a setting, as the class has it."""
    rows = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{str(field.default).lower()}`"
        if isinstance(field.default, (str, Path)):
            default = f"`{field.default}`"
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("name", "table"),
    [("settings", settings_table), ("matrix", as_markdown)],
    ids=("settings", "matrix"),
)
def test_the_tables_say_what_the_programs_do(name: str, table: Callable[[], str]) -> None:
    text = README.read_text()
    body = table().strip()
    expected = between(name).sub(lambda marks: f"{marks[1]}{body}\n{marks[2]}", text)
    if os.environ.get("WRITE_README"):
        README.write_text(expected)
    assert README.read_text() == expected


@pytest.mark.parametrize("command", commands())
def test_every_command_exists(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[0] == "export":
        assert words[1].split("=")[0].lower() in Settings.model_fields
    elif words[:3] == ["python", "-m", "app"]:
        assert parser().parse_args(words[3:]).run
    else:
        assert words[0] == "python", command
        assert (ROOT / f"{words[2].replace('.', '/')}.py").exists(), command


def test_the_commands_of_the_issue_are_all_there() -> None:
    shown = parser().format_help()
    names = ["demo", "serve", "worker", "relay", "migrate", "seed", "check", "import", "user"]
    assert [name for name in names if f"\n    {name} " not in shown] == []


def test_the_map_names_folders_that_exist() -> None:
    folders = re.findall(r"^\| `([\w/]+/)` \|", README.read_text(), re.MULTILINE)
    assert len(folders) >= 8
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_pictures_and_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    local = [target for target in targets if "://" not in target]
    assert local
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_the_sign_ins_are_those_of_the_demo() -> None:
    text = README.read_text()
    assert f"`{PASSWORD}`" in text
    assert all(f"`{slug}`" in text for slug in SLUGS)


def test_it_names_no_place_of_one_machine() -> None:
    assert README in committed()
    assert not re.search(r"/(root|tmp|home)/", README.read_text())
