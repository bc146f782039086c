#!/usr/bin/env bash
# Runs ctest and pytest, both to the end, then repeats each one's closing lines. Fails when either fails or finds no
# test.    usage: run_tests.sh BUILD PYTHON [CTEST_ARGS] [PYTEST_ARGS]
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 python=$2 ctest_args=${3:-} pytest_args=${4:-}

# shellcheck disable=SC2086  # the arguments are lists
ctest --test-dir "$build" --no-tests=error --output-on-failure $ctest_args </dev/null 2>&1 | tee "$build/ctest.log"
ctest_status=${PIPESTATUS[0]}
# Not within the time of a test. Without a toolchain, the tests that want it say so and are skipped.
"$python" tools/build_quic_peer.py </dev/null >/dev/null 2>&1 || true
# shellcheck disable=SC2086
"$python" -m pytest $pytest_args </dev/null 2>&1 | tee "$build/pytest.log"
pytest_status=${PIPESTATUS[0]}

echo
echo "== C++ tests (ctest, exit code $ctest_status)"
sed -n '/tests passed/,$p' "$build/ctest.log"
echo "== Python tests (pytest, exit code $pytest_status)"
tail -n 1 "$build/pytest.log"
[[ $ctest_status == 0 && $pytest_status == 0 ]]
