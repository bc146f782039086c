"""The examples of docs/reference/tls.md run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tls_certificates import make_root

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "tls.md"


def test_the_examples_run(tmp_path, monkeypatch):
    root = make_root()
    for name, names, password in (
        ("cert", ["localhost", "127.0.0.1", "::1"], "secret"),
        ("renewed", ["localhost"], None),
    ):
        leaf = root.issue(names)
        key = "key.pem" if name == "cert" else f"{name}-key.pem"
        (tmp_path / f"{name}.pem").write_bytes(leaf.chain_pem)
        (tmp_path / key).write_bytes(leaf.key_pem(password))
    (tmp_path / "ca.pem").write_bytes(root.pem)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 9
    namespace: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{DOCUMENT.name}, example {number + 1}", "exec"), namespace)
