#!/usr/bin/env bash
# Formatting, static analysis and types, each to its end.    usage: lint.sh BUILD PYTHON JOBS
#
# BUILD is a configured tree, for its compile_commands.json.
#
# clang-tidy looks at what differs from LINT_BASE (default: the branch point from origin/main, else the last commit) and
# at everything when LINT_ALL=1.
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 python=$2 jobs=$3
failed=()
step() { # NAME COMMAND...
  local name=$1
  shift
  echo "== $name"
  "$@" </dev/null || failed+=("$name")
}

mapfile -t cpp < <(git ls-files '*.h' '*.cpp')
format_check() { clang-format --dry-run -Werror "${cpp[@]}"; }

tidy_check() {
  local base files=()
  if [[ "${LINT_ALL:-0}" == 1 ]]; then
    mapfile -t files < <(git ls-files 'src/*.cpp' 'apps/*.cpp')
  else
    base=${LINT_BASE:-$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD~1 2>/dev/null || git rev-parse HEAD)}
    mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp' 'apps/*.cpp')
  fi
  # Only what the tree compiles is known to clang-tidy.
  local known=()
  for file in "${files[@]}"; do
    grep -qF "\"$PWD/$file\"" "$build/compile_commands.json" && known+=("$file")
  done
  if ((${#known[@]} == 0)); then
    echo "no changed sources (LINT_ALL=1 looks at all of them)"
    return 0
  fi
  echo "${#known[@]} files"
  printf '%s\0' "${known[@]}" | xargs -0 -P "$jobs" -n 2 clang-tidy -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null
}

readme_check() { # CHECKER
  "$python" tools/readme_blocks.py "$build/readme" && "$python" -m "$1" "$build/readme"
}

step "clang-format" format_check
step "clang-tidy" tidy_check
step "ruff check" "$python" -m ruff check .
step "ruff format" "$python" -m ruff format --check .
step "mypy" "$python" -m mypy
step "pyright" "$python" -m pyright
step "mypy, README" readme_check mypy
step "pyright, README" readme_check pyright
step "layers" "$python" tools/check_layers.py
step "conformance" "$python" tools/conformance.py --check

if ((${#failed[@]})); then
  echo "lint: failed: ${failed[*]}"
  exit 1
fi
echo "lint: all passed"
