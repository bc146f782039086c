"""The reference pages of moqt, moqt.asyncio, the relay and the programs name everything that there is."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from pathlib import Path

import pytest

import moqt
import moqt.asyncio
import moqt.msf
from relay_programs import program

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def words(*pages: str) -> set[str]:
    """Every identifier and option inside of backticks outside of blocks, and every one of signatures."""
    found: set[str] = set()
    for page in pages:
        text = (REFERENCE / page).read_text(encoding="utf-8")
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"`([^`\n]+)`", prose):
            found.update(re.findall(r"--[\w-]+|\w+", code))
    return found


def missing(names: set[str], *pages: str) -> list[str]:
    return sorted(names - words(*pages))


def test_moqt_page_names_everything() -> None:
    assert missing(set(moqt.__all__) | set(moqt.msf.__all__), "moqt.md") == []


def test_moqt_page_names_the_arguments() -> None:
    arguments = set()
    for name in moqt.__all__:
        value = getattr(moqt, name)
        if isinstance(value, type) and issubclass(value, moqt.ControlMessage) and value is not moqt.ControlMessage:
            arguments |= {field for field in vars(value) if not field.startswith("_")}
    setters = {name for name in arguments if name.startswith("set_")}
    assert "track_alias" in arguments
    assert missing(arguments - setters - {"start", "end"}, "moqt.md") == []


Signature = dict[str, str | None]
"""Parameters in their order, with the source of their defaults."""


def parsed(text: str) -> Signature:
    """Of ``name(a, b=1, *, c=None)``, annotated or not."""
    definition = ast.parse(text if text.startswith("def ") else f"def {text}: ...").body[0]
    assert isinstance(definition, ast.FunctionDef)
    arguments = definition.args
    places = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*arguments.defaults, *arguments.kw_defaults]
    defaults = [None] * (len(places) + len(arguments.kwonlyargs) - len(defaults)) + defaults
    names = [each.arg for each in (*places, *arguments.kwonlyargs)]
    found = {name: None if value is None else ast.unparse(value) for name, value in zip(names, defaults, strict=True)}
    found.pop("self", None)
    return found


def shown(page: str) -> list[tuple[str, Signature]]:
    """The calls that a page shows with their arguments."""
    prose = re.sub(r"^```.*?^```$", "", (REFERENCE / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    calls = re.findall(r"`(?:await )?(\w+)\(([^`]*=[^`…]*(?:…[^`…]*)?)\)`", prose)
    found = []
    for name, arguments in calls:
        rest = re.sub(r"(?:, \*)?, …$", "", arguments)  # "and more"
        # "8 MiB" and members of enumerations are for people.
        source = re.sub(r"=(?:…|[0-9]+ [MK]iB|[A-Z][A-Z_]+)(?=,|$)", "=...", rest)
        found.append((name, parsed(f"{name}({source})")))
    return found


def native_signatures(name: str) -> list[Signature]:
    value = getattr(moqt, name)
    signatures = getattr(value.__init__ if isinstance(value, type) else value, "__nb_signature__", ())
    found = []
    for text, _, defaults in signatures:
        literal = [
            repr(each) if isinstance(each, int | str | bytes | tuple | None) else "..." for each in defaults or ()
        ]
        found.append(parsed(re.sub(r"\\(\d+)", lambda match, values=literal: values[int(match[1])], text) + ": ..."))
    return found


def python_signatures(name: str, kinds: list[object]) -> list[Signature]:
    members = [getattr(kind, name, None) for kind in kinds if inspect.isclass(kind)]
    functions = [each for each in (*members, *kinds) if inspect.isfunction(each) and each.__name__ == name]
    found = []
    for function in functions:
        parameters = inspect.signature(function).parameters.values()
        named = [each for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD and each.name != "self"]
        empty = inspect.Parameter.empty
        found.append({each.name: None if each.default is empty else repr(each.default) for each in named})
    return found


def agrees(page: Signature, code: Signature) -> bool:
    """Whether the names are the first ones of the code in their order, with the defaults that both can write down."""
    if list(page) != list(code)[: len(page)]:
        return False
    literal = re.compile(r"\d[\d.]*|None|True|False|b?'.*'|\(\)")
    both = [(page[name], code[name]) for name in page]
    return all(a == b for a, b in both if a and b and literal.fullmatch(a) and literal.fullmatch(b))


@pytest.mark.parametrize("page", ["moqt.md", "moqt-asyncio.md", "relay.md"])
def test_signatures_are_those_of_the_code(page: str) -> None:
    module = [getattr(moqt.asyncio, each) for each in moqt.asyncio.__all__]
    kinds: list[object] = [moqt.MoqtSession] if page == "moqt.md" else module
    checked = 0
    for name, signature in shown(page):
        code = native_signatures(name) if page == "moqt.md" and name in moqt.__all__ else python_signatures(name, kinds)
        if code and set(signature.values()) != {"..."}:  # that would be a hint to an option
            checked += 1
            assert any(agrees(signature, each) for each in code), f"{name}: {signature} is none of {code}"
    assert checked >= {"moqt.md": 15, "moqt-asyncio.md": 10, "relay.md": 1}[page]


def public_members(kind: type) -> set[str]:
    inherited = {
        name for base in kind.__mro__[:-1] if base.__module__.startswith(("moqt", "msquic")) for name in vars(base)
    }
    written = set(getattr(kind, "__annotations__", {}))
    return {name for name in inherited | written if not name.startswith("_")}


def test_moqt_asyncio_pages_name_everything() -> None:
    pages = ("moqt-asyncio.md", "relay.md", "statistics.md")
    assert missing(set(moqt.asyncio.__all__), *pages) == []
    for name in moqt.asyncio.__all__:
        kind = getattr(moqt.asyncio, name)
        options = name.endswith("Options")  # rows of their own, and what msquic.asyncio has a page for
        if not isinstance(kind, type) or options or issubclass(kind, BaseException):
            continue
        members = public_members(kind) - set(dir(tuple)) if issubclass(kind, tuple) else public_members(kind)
        assert missing(members, *pages) == [], name


@pytest.mark.parametrize(
    ("call", "page"), [("connect", "moqt-asyncio.md"), ("serve", "moqt-asyncio.md"), ("relay", "relay.md")]
)
def test_their_parameters(call: str, page: str) -> None:
    parameters = inspect.signature(getattr(moqt.asyncio, call)).parameters.values()
    names = {each.name for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD}
    assert {"host", "port", "tolerances"} <= names
    assert missing(names, page) == []


async def test_relay_page_has_its_counters() -> None:
    async with await moqt.asyncio.relay(port=0) as relay:
        assert missing(set(relay.stats()), "relay.md") == []


def option_rows(section: str) -> set[str]:
    """The options that the tables of a section of programs.md have rows for."""
    _, _, rest = (REFERENCE / "programs.md").read_text(encoding="utf-8").partition(f"\n## {section}\n")
    rows = re.findall(r"^\| ([^|]*--[^|]*)\|", rest.partition("\n## ")[0], re.MULTILINE)
    return {option for row in rows for option in re.findall(r"--[\w-]+", row)}


@pytest.mark.parametrize("name", ["moqt-relay", "moqt-pub", "moqt-sub"])
def test_programs_page_has_their_options(name: str) -> None:
    done = subprocess.run([program(name), "--help"], capture_output=True, timeout=30, check=True)
    options = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", done.stdout.decode(), re.MULTILINE))
    described = option_rows(f"`{name}`") | (set() if name == "moqt-relay" else option_rows("Both clients"))
    assert {"--help", "--version", "--port", "--log-level"} <= options
    assert options - {"--help", "--version"} == described


def test_programs_page_says_the_exit_codes() -> None:
    header = (ROOT / "apps" / "command_line" / "exit_code.h").read_text(encoding="utf-8")
    codes = re.findall(r"= (\d+),", header)
    page = (REFERENCE / "programs.md").read_text(encoding="utf-8")
    assert len(codes) >= 4
    assert [code for code in codes if f"\n| {code} |" not in page] == []


def test_trust_is_described_alike() -> None:
    """Roots that are given replace the system's, and nothing says that they are added to them."""
    for name in ("moqt-pub", "moqt-sub"):
        done = subprocess.run([program(name), "--help"], capture_output=True, timeout=30, check=True)
        assert b"in this PEM file, and not the system's" in done.stdout
    opposite = re.compile(r"(?:beside|besides|added to|in addition to) the system's|PEM file too", re.IGNORECASE)
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    sources = [path for folder in ("src", "apps", "python", "examples") for path in (ROOT / folder).rglob("*.*")]
    texts = [path for path in (*pages, *sources) if path.suffix in (".md", ".py", ".h", ".cpp")]
    assert len(texts) > 300
    assert [str(path) for path in texts if opposite.search(path.read_text(encoding="utf-8"))] == []
