"""Writes the Python blocks of README.md to files of their own, for the type checkers.    usage: readme_blocks.py FOLDER

README.ja.md has the same ones. Some of their functions have no annotations: they are what a reader would type.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADER = """\
# mypy: allow-untyped-defs
# pyright: strict, reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownArgumentType=false
"""


def main() -> None:
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        (folder / f"line_{line}.py").write_text(HEADER + match[1], encoding="utf-8")


if __name__ == "__main__":
    main()
