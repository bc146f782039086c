#!/usr/bin/env bash
# Puts the project into .venv as an editable install, from the extension that the dev tree has just built. Skipped when
# neither the extension nor pyproject.toml has changed since.    usage: install_editable.sh UV PYTHON BUILD
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$1 python=$2 build=$3
stamp=$build/.editable
newest() { find pyproject.toml "$build"/python/msquic -maxdepth 2 -type f \( -name '_native*' -o -name '*.pyi' -o -name pyproject.toml \) -newer "$stamp"; }
if [[ -e "$stamp" && "$(cat "$stamp")" == "$("$python" -V)" && -z "$(newest)" ]] && "$python" -c 'import msquic._native' 2>/dev/null; then
  exit 0
fi
"$uv" sync --quiet --inexact --group example --no-build-isolation-package msquic-py --reinstall-package msquic-py </dev/null
"$python" -V >"$stamp"
