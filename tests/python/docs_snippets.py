"""Runs the Python blocks of a page of documentation, in their order, as one program.

usage: docs_snippets.py PAGE    in the folder that the page's text promises

A block of the kind ``text`` right behind a Python block is what it must print. A page stops at the first difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import inspect
import io
import re
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from pathlib import Path
from typing import NamedTuple

DEADLINE = 45.0

BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\s*^```text\n(?P<output>.*?)^```$)?", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    line: int
    code: str
    output: str | None
    """What it prints; None where the page doesn't say."""


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(text.count("\n", 0, match.start()) + 2, match["code"], match["output"])
        for match in BLOCK.finditer(text)
    ]


def run(page: Path) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for snippet in snippets(page):
            padded = "\n" * (snippet.line - 1) + snippet.code  # tracebacks name the line of the page
            code = compile(padded, str(page), "exec", flags=PyCF_ALLOW_TOP_LEVEL_AWAIT)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                if code.co_flags & inspect.CO_COROUTINE:
                    runner.run(eval(code, names))
                else:
                    exec(code, names)
            if snippet.output is not None and printed.getvalue() != snippet.output:
                raise AssertionError(
                    f"{page.name}:{snippet.line} printed\n{printed.getvalue()}\ninstead of\n{snippet.output}"
                )


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE, exit=True)
    run(Path(sys.argv[1]).resolve())
