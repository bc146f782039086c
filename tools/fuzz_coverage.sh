#!/usr/bin/env bash
# What fuzz targets reach of src/moqt and src/relay: replays every input that is known for them and prints llvm-cov's
# lines, functions and branches, a row for each folder and one for both together.
#
#   fuzz_coverage.sh BUILD FOUND TARGET...    BUILD: a tree of the preset fuzz-coverage; FOUND: that of make fuzz, whose
#                                             corpus/ has what was found. Each file: BUILD/coverage.txt
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 found=$2
shift 2
tool() { command -v "$1" || command -v "$1-14" || { echo "fuzz-coverage: no $1: install the package llvm" >&2; exit 1; }; }
profdata=$(tool llvm-profdata) cov=$(tool llvm-cov)
profiles=() objects=()
for name in "$@"; do
  target=$build/tests/fuzz/${name}_fuzzer
  directories=()
  for each in "$found/corpus/${name}_fuzzer" "tests/fuzz/corpus/$name"; do
    [[ -d "$each" ]] && directories+=("$each")
  done
  LLVM_PROFILE_FILE="$build/$name.profraw" "$target" -runs=0 "${directories[@]}" >"$build/$name.replay.log" 2>&1 </dev/null \
    || { tail -n 20 "$build/$name.replay.log"; exit 1; }
  profiles+=("$build/$name.profraw")
  objects+=(-object "$target")
done
"$profdata" merge -sparse -o "$build/fuzz.profdata" "${profiles[@]}"
"$cov" report "${objects[@]:1}" -instr-profile "$build/fuzz.profdata" src/moqt src/relay >"$build/coverage.txt"
for folder in src/moqt src/relay "src/moqt src/relay"; do
  # shellcheck disable=SC2086
  "$cov" report "${objects[@]:1}" -instr-profile "$build/fuzz.profdata" $folder \
    | awk -v folder="$folder" '$1 == "TOTAL" { printf "%-20s functions %s, lines %s, branches %s\n", folder, $7, $10, $13 }'
done
