"""The README's programs run unchanged, except for the endpoint and the directory, and are typed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from annals.testing import Server

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
PROGRAMS = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "asyncio.run(" in block]


@pytest.mark.parametrize(
    ("nth", "printed"),
    [
        (0, "at position 1\n0 OrderPlaced {'total': 42}\n"),
        (1, "[('account-ada', 70)]\n"),
        (
            2,
            'check of state 0: key "ada" of scope "carts" was expected to be at version 1, but it is at version 2\n'
            "{'ada': {'items': ['tea', 'cup']}}\n",
        ),
        (3, "shipped order-42 at attempt 1\norder-0 is parked: nothing to ship\n"),
        (4, "Cart(items=('book', 'pen'), placed=True) 2\n"),
    ],
)
def test_a_program_of_the_readme_runs(nth: int, printed: str, tmp_path: Path) -> None:
    assert len(PROGRAMS) == 5
    with Server("memory") as server:
        program = PROGRAMS[nth].replace('"http://127.0.0.1:2113"', repr(server.endpoint))
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert ran.stderr == ""
    assert ran.stdout == printed


def test_the_programs_of_the_readme_are_typed(tmp_path: Path) -> None:
    files = []
    for nth, program in enumerate(PROGRAMS):
        files.append(tmp_path / f"program{nth}.py")
        files[-1].write_text(program)
    # In another directory, where the settings of this package do not apply.
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert checked.returncode == 0, checked.stdout
