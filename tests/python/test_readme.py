"""Every code block of the README is executed here, or by the continuous integration that runs this."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from running import Running, frames_in, output_of, start_program

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str) -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


def block_with(text: str) -> str:
    found = [body for _, body in blocks("README.md") if text in body]
    assert len(found) == 1, f"{len(found)} blocks of the README contain {text!r}"
    return found[0]


EXECUTED = {
    "make demo\nmake test": "by .ci/run and by test_examples_demo.py",
    'msquic.Registration("my_client"': "test_quic_client",
    'msquic.Registration("moqt_client"': "test_moqt_client",
    "SubgroupHeader(": "test_objects",
    "moqt.asyncio.relay(": "test_asyncio",
    "msquic.asyncio import": "test_quic_asyncio",
    "uv add msquic-py": "test_packaging.py installs the wheel",
    "make develop\n": "by .ci/run",
    "uv sync\nmake test": "by .ci/run",
    "examples/moqt_client.py": "test_examples",
    "moqt-relay": "test_programs",
}


def test_every_block_is_accounted_for() -> None:
    for language, body in blocks("README.md"):
        assert any(mark in body for mark in EXECUTED), f"nothing executes this {language} block:\n{body}"
    ci = (ROOT / ".ci" / "run").read_text()
    assert "make test" in ci


def test_both_languages_show_the_same_code() -> None:
    assert blocks("README.md") == blocks("README.ja.md")


def test_both_languages_have_the_same_shape() -> None:
    """Headings, rows of tables and what is linked, in the same order; beside each other's link."""

    def shape(name: str) -> list[str]:
        text = BLOCK.sub("", (ROOT / name).read_text(encoding="utf-8"))
        found = re.findall(r"^(#+) |^(\|) |\]\((?!README)([^)#]+)\)", text, re.MULTILINE)
        return ["".join(each) for each in found]

    assert shape("README.md") == shape("README.ja.md")
    assert len(shape("README.md")) > 60


def test_the_blocks_of_the_reference_are_verbatim() -> None:
    reference = [
        "d8cf94e07df6ab59756dbc6b0dd97c53845b403b9d9adc0cfe7e379e11df2ff6",
        "3c6e5216b9a5b5eb6487bfd93b728971c7adb6b96bda58e5642252c8707e7bb4",
        "22931b5dbb47891574620dcc9c306bb230b13d8f9396d09af23b73a39575bb12",
    ]
    shown = [hashlib.sha256(body.encode()).hexdigest() for kind, body in blocks("README.md") if kind == "python"]
    assert [digest for digest in shown if digest in reference] == reference


def test_what_a_reader_sees_first_verifies_certificates() -> None:
    """Only the blocks of the reference, in a section of their own, accept any certificate."""
    unsafe = ("no_certificate_validation", "verify=False", "--insecure")
    order = ("uv add msquic-py", "msquic.asyncio import", "moqt.asyncio.relay(", "moqt-relay", "msquic.Registration")
    for name, section in (("README.md", "## Callbacks and bytes"), ("README.ja.md", "## コールバックとバイト列")):
        before, _, _ = (ROOT / name).read_text(encoding="utf-8").partition(section)
        assert len(before) > 3000
        assert not [word for word in unsafe if word in before]
        bodies = [body for _, body in blocks(name)]
        places = [next(i for i, body in enumerate(bodies) if mark in body) for mark in order]
        assert places == sorted(places)


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    """The example server on port 4433, which the README's blocks connect to."""
    program = await start_program(
        sys.executable, "-u", ROOT / "examples" / "moqt_server.py", "--host", "127.0.0.1", "--port", 4433
    )
    await program.line("listening")
    yield program
    await program.end()


async def test_quic_client(server: Running) -> None:
    code = block_with('msquic.Registration("my_client"') + "\nimport time\ntime.sleep(30)\n"
    client = await start_program(sys.executable, "-u", "-c", code)
    await client.line("接続完了")
    await client.end()


async def test_moqt_client(server: Running) -> None:
    # Only what the block leaves out is added: somebody who looks at what the server answers.
    code = (
        block_with('msquic.Registration("moqt_client"')
        + """
import threading
from moqt import NeedMoreData, ServerSetup, decode_control_message
answered = threading.Event()
received = bytearray()
def on_receive(data, fin):
    received.extend(data)
    try:
        message, _ = decode_control_message(received)
    except NeedMoreData:
        return
    print("received", type(message).__name__, message.max_request_id, flush=True)
    answered.set()
stream.set_on_receive(on_receive)
assert answered.wait(30)
"""
    )
    client = await start_program(sys.executable, "-u", "-c", code)
    match = await client.line(r"received ServerSetup (\d+)")
    assert int(match[1]) > 0
    assert await client.exit_code() == 0


def test_objects() -> None:
    names: dict[str, object] = {}
    exec(block_with("SubgroupHeader("), names)
    stream = names["header_bytes"] + names["object_bytes"]  # type: ignore[operator]
    # By hand, from sections 10.4.2 and LOC-01: type 0x15 (explicit subgroup, extensions, priority), alias 0, group 1,
    # subgroup 0, priority 0; object ID 0, 12 bytes of extensions: 02 = 1234567890000 us (8-byte varint),
    # 04 = 0xE8 (S, E, I and B of RFC 9626; 2-byte varint); 16 bytes of payload.
    extensions = bytes.fromhex("02c000011f71fb0450") + bytes.fromhex("0440e8")
    expected = (
        bytes.fromhex("1500010000") + bytes([0, len(extensions)]) + extensions + bytes([16]) + b"video frame data"
    )
    assert stream == expected


def test_asyncio(tmp_path: Path) -> None:
    code = block_with("moqt.asyncio.relay(")
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[b'tick 0', b'tick 1', b'tick 2']"


def test_quic_asyncio(tmp_path: Path) -> None:
    code = block_with("msquic.asyncio import")
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "b'hello'"


async def test_examples(tmp_path: Path) -> None:
    import msquic

    certificate = msquic.generate_development_certificate(tmp_path)
    commands = [
        line for line in block_with("examples/moqt_client.py").splitlines() if line.startswith("uv run python ")
    ]
    client, server, relay, publisher, subscriber = (
        command.removeprefix("uv run python ").split() for command in commands
    )

    def arguments(command: list[str]) -> list[str]:
        files = {"cert.pem": str(certificate.certificate_file), "key.pem": str(certificate.private_key_file)}
        return [files.get(word, str(ROOT / word) if word.startswith("examples/") else word) for word in command]

    serving = await start_program(sys.executable, *arguments(server), cwd=tmp_path)
    await serving.line("listening")
    asking = await start_program(sys.executable, *arguments(client), cwd=tmp_path)
    await asking.line("(?i)server_?setup")
    await asking.end()
    await serving.end()

    relaying = await start_program(sys.executable, *arguments(relay), cwd=tmp_path)
    await relaying.line("listening")
    receiving = await start_program(sys.executable, *arguments(subscriber), cwd=tmp_path)
    publishing = await start_program(sys.executable, *arguments(publisher), cwd=tmp_path)
    await publishing.line(r"(\d\d+) frames|frames.*\d\d+", seconds=60)
    await publishing.interrupt()
    await publishing.exit_code()
    await receiving.exit_code()
    await relaying.end()
    video = tmp_path / "output.mp4"
    assert video.stat().st_size > 0
    if shutil.which("ffprobe"):
        assert await frames_in(video) > 0


async def test_programs(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg makes the input of this test")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=2")
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p")
    await output_of("ffmpeg", "-v", "error", *picture, *codec, tmp_path / "input.mp4")
    python, *commands = [shlex.split(line) for line in block_with("moqt-relay").splitlines()]
    assert python[:3] == ["uv", "run", "python"]
    await output_of(sys.executable, *python[3:], cwd=tmp_path)
    relay, publisher, subscriber = ([str(ROOT / command[0]), *command[1:]] for command in commands)
    relaying = await start_program(*relay, cwd=tmp_path)
    await relaying.line("listening on port 4433")
    receiving = await start_program(*subscriber, cwd=tmp_path)
    publishing = await start_program(*publisher, cwd=tmp_path)
    assert await publishing.exit_code() == 0, publishing.text
    assert await receiving.exit_code() == 0, receiving.text
    await relaying.end()
    assert await frames_in(tmp_path / "output.mp4") == 60
