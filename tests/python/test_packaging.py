"""What the build leaves: one exported symbol, stubs, typing marks, notices, and no quarrel with another OpenSSL."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
TREE = ROOT / ("build/free-threaded" if FREE_THREADED else "build/dev")

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ELF symbols")


def run(*command: str | Path, timeout: float = 120, **kwargs: object) -> str:
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
        **kwargs,  # type: ignore[call-overload]
    )
    assert result.returncode == 0, f"{command}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def extension() -> Path:
    import msquic._native

    return Path(msquic._native.__file__)


@linux_only
def test_the_extension_exports_its_init_function_alone() -> None:
    nm = shutil.which("nm")
    assert nm, "binutils is part of every compiler's installation"
    symbols = [line.split()[-1] for line in run(nm, "-D", "--defined-only", extension()).splitlines()]
    assert symbols == ["PyInit__native"]


@linux_only
def test_the_extension_needs_no_shared_openssl_msquic_or_libstdcxx() -> None:
    needed = re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "-d", extension()))
    assert needed
    assert not [name for name in needed if re.search(r"ssl|crypto|msquic|stdc\+\+", name)]


@linux_only
def test_the_extension_asks_for_no_newer_glibc_than_its_wheel_says() -> None:
    """manylinux_2_34, see tools/wheels.sh."""
    needed = set(re.findall(r"@GLIBC_([0-9.]+)", run("nm", "-D", "--undefined-only", extension())))
    assert needed
    assert max(tuple(int(part) for part in each.split(".")) for each in needed) <= (2, 34), needed


def test_the_versions_agree() -> None:
    import msquic._native

    declared = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared
    assert msquic._native.__version__ == declared[1] == version("msquic-py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel from what this Python's tree has built already."""
    if not (TREE / "CMakeCache.txt").exists():
        pytest.skip(f"no {TREE.name}: run make develop")
    out = tmp_path_factory.mktemp("wheel")
    settings = (f"-Cbuild-dir={TREE}", "-Ccmake.build-type=RelWithDebInfo")
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"),
        *("--outdir", out, *settings, ROOT),
        timeout=500,
    )
    (file,) = out.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.mark.timeout(600)
def test_the_wheel_has_stubs_typing_marks_and_notices(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {"msquic/py.typed", "moqt/py.typed", "msquic/__init__.py", "moqt/__init__.py"} <= names
    notices = {name.split("dist-info/licenses/")[1] for name in names if "dist-info/licenses/" in name}
    linked_in = ("MsQuic", "MsQuic-third-party-notices", "quictls", "nanobind", "robin-map")
    assert notices == {"LICENSE", *(f"third_party/licenses/{each}.txt" for each in linked_in)}
    for stub in ("__init__", "quic", "moqt"):
        path = f"msquic/_native/{stub}.pyi"
        assert path in names
        compile(wheel.read(path), path, "exec")
    assert "class " in wheel.read("msquic/_native/quic.pyi").decode()
    assert "class " in wheel.read("msquic/_native/moqt.pyi").decode()
    # Nothing of the C++ installation, the tests or the build.
    assert not [name for name in names if name.endswith((".h", ".a", ".cpp", ".pyc", ".map"))]
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"msquic", "moqt"}


@pytest.mark.timeout(600)
def test_the_index_page_has_what_it_needs(wheel: zipfile.ZipFile) -> None:
    (path,) = [name for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    metadata = email.message_from_bytes(wheel.read(path))
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT AND BSD-3-Clause"
    assert metadata["Author"]
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL", []))
    assert {"Homepage", "Documentation", "Repository", "Issues", "Changelog"} <= set(urls)
    page = metadata.get_payload()
    assert isinstance(page, str)
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 10
    assert not [link for link in links if not link.startswith(("https://", "#"))]


def test_the_notices_are_those_of_the_msquic_that_is_linked() -> None:
    cache = (TREE / "CMakeCache.txt").read_text(encoding="utf-8") if (TREE / "CMakeCache.txt").exists() else ""
    folder = re.search(r"^MSQUIC_CACHE_DIR:PATH=(.+)$", cache, re.MULTILINE)
    built = sorted(Path(folder[1]).glob("msquic-*-Release-*/THIRD-PARTY-NOTICES")) if folder else []
    if not built:
        pytest.skip("the MsQuic of this tree was not built here")
    ours = ROOT / "third_party" / "licenses"
    for name, file in {
        "LICENSE": "MsQuic",
        "LICENSE-quictls": "quictls",
        "THIRD-PARTY-NOTICES": "MsQuic-third-party-notices",
    }.items():
        assert (built[-1].parent / name).read_bytes() == (ours / f"{file}.txt").read_bytes(), file


def test_the_source_distribution_has_what_its_build_reads(tmp_path: Path) -> None:
    run(
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--no-isolation",
        "--skip-dependency-check",
        "--outdir",
        tmp_path,
        ROOT,
    )
    (file,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = {"CMakeLists.txt", "README.md", "LICENSE", "third_party/msquic/Cargo.lock", "cmake/MsQuic.cmake"}
    assert wanted <= names
    assert {f"third_party/licenses/{each.name}" for each in (ROOT / "third_party/licenses").glob("*.txt")} <= names
    assert not [name for name in names if name.startswith((".git/", "build/", "dist/", ".venv/"))]


@pytest.mark.timeout(600)
def test_the_wheel_carries_the_right_tag(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename
    version = f"cp3{sys.version_info.minor}"
    # A free-threaded Python has no stable ABI (before 3.15).
    tag = f"{version}-{version}t" if FREE_THREADED else "cp311-cp311" if version == "cp311" else "cp312-abi3"
    assert f"-{tag}-" in wheel.filename


IMPORTS = {
    "ssl and cryptography first": "import ssl, cryptography.x509; import msquic, moqt",
    "msquic first": "import msquic, moqt; import ssl, cryptography.x509",
}


@pytest.mark.parametrize("order", IMPORTS)
@pytest.mark.timeout(180)
def test_three_tls_libraries_live_in_one_process(order: str) -> None:
    """A handshake by the ssl module, a signature by cryptography and a QUIC handshake, in turns and repeatedly."""
    pytest.importorskip("cryptography")
    script = f"{IMPORTS[order]}\nimport tls_neighbours\ntls_neighbours.main()\n"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "programs"), "PYTHONFAULTHANDLER": "1"}
    assert run(sys.executable, "-c", script, env=environment).split() == ["quic", "ssl", "cryptography"] * 2
