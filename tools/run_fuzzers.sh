#!/usr/bin/env bash
# Runs every fuzz target for SECONDS, from its corpus in tests/fuzz/corpus/<target>. New inputs go to BUILD/corpus, a
# crashing one to BUILD/crashes. Fails when a target crashes or there is none; with TARGETs, of those alone.
#   usage: run_fuzzers.sh BUILD SECONDS [TARGET...]
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 seconds=$2
shift 2
mapfile -t targets < <(find "$build/tests/fuzz" -maxdepth 2 -type f -executable -name '*_fuzzer' | sort)
if ((${#targets[@]} == 0)); then
  echo "fuzz: no targets under $build/tests/fuzz" >&2
  exit 1
fi
if (($#)); then targets=("${@/#/$build/tests/fuzz/}") && targets=("${targets[@]/%/_fuzzer}"); fi
failed=()
for target in "${targets[@]}"; do
  name=$(basename "$target")
  seeds=tests/fuzz/corpus/${name%_fuzzer}
  found=$build/corpus/$name
  crashes=$build/crashes/$name
  mkdir -p "$found" "$crashes"
  directories=("$found")
  [[ -d "$seeds" ]] && directories+=("$seeds")
  log=$build/$name.log
  if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$crashes/" "${directories[@]}" >"$log" 2>&1 </dev/null; then
    echo "$name: $(grep -oE 'number_of_executed_units: *[0-9]+' "$log" | tr -s ' '), no crash"
  else
    failed+=("$name")
    tail -n 30 "$log"
    echo "$name: FAILED, input in $crashes"
  fi
done
((${#failed[@]} == 0))
