#!/usr/bin/env bash
# Builds the extension for a free-threaded Python, in build/free-threaded with a virtual environment of its own, and runs
# the Python tests with it. Says so and ends well when there is no such Python.
#
#   tools/free_threaded.sh UV [PYTEST_ARGS]
#
# FREE_THREADED_PYTHON names the interpreter; otherwise python3.14t and python3.13t are looked for on the PATH and under
# pyenv. Prints that interpreter alone with --find.
set -euo pipefail
cd "$(dirname "$0")/.."

is_free_threaded() { "$1" -c 'import sys, sysconfig; sys.exit(not sysconfig.get_config_var("Py_GIL_DISABLED"))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${FREE_THREADED_PYTHON:-python3.14t python3.13t "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*t/bin/python}; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    if is_free_threaded "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  if [[ -n "${FREE_THREADED_PYTHON:-}" ]]; then
    echo "free-threaded: FREE_THREADED_PYTHON is '$FREE_THREADED_PYTHON', which is no free-threaded Python" >&2
    exit 1
  fi
}

python=$(find_python)
[[ "${1:-}" != --find ]] || { [[ -z "$python" ]] || echo "$python"; exit 0; }
uv=$1
pytest_args=${2:-}
if [[ -z "$python" ]]; then
  echo "free-threaded: NOT TESTED, there is no python3.13t or python3.14t here; FREE_THREADED_PYTHON=/path/to/one names it"
  exit 0
fi

tree=build/free-threaded
venv=$tree/venv
mkdir -p "$tree"
echo "free-threaded: $("$python" -VV)"
[[ -e "$venv/bin/python" && "$("$venv/bin/python" -VV)" == "$("$python" -VV)" ]] || "$uv" venv --quiet --clear --python "$python" "$venv"

# What has no package for this Python is left out, and the tests that need it with it: nothing is compiled here.
"$uv" pip install --quiet --python "$venv/bin/python" "scikit-build-core>=1.0" "nanobind>=3.0" pytest pytest-asyncio \
  pytest-timeout build typing_extensions
for package in cryptography uvloop aioquic moq-rs==0.5.1 numpy webcodecs-py mp4-py; do
  "$uv" pip install --quiet --python "$venv/bin/python" --only-binary :all: "$package" 2>/dev/null ||
    echo "free-threaded: no package of ${package%%=*} for this Python"
done

export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="$PWD"
CMAKE_C_COMPILER_LAUNCHER=$(command -v ccache || true) CMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache || true)
export CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --reinstall-package msquic-py \
  -Cbuild-dir="$tree" -Ccmake.build-type=RelWithDebInfo . </dev/null

# The GIL stays off whatever the tests import; that our packages need no such help is one of them.
# shellcheck disable=SC2086  # the arguments are a list
PYTHON_GIL=0 "$venv/bin/python" -X faulthandler -m pytest -p no:cacheprovider $pytest_args </dev/null
