#!/usr/bin/env bash
# Installs what building and testing msquic-py needs and what is missing here. Does nothing when all is present.
#
#   tools/setup.sh [--with-lint] [--check]
#
#   --with-lint   also clang, its sanitizers and coverage tools, clang-format and clang-tidy (make lint, make format, make fuzz)
#   --check       install nothing; exit 1 and name what is missing
#
# System packages come from apt (Debian, Ubuntu). When the PATH has no uv, it goes into a virtual environment of its own
# under ~/.local/share, linked into ~/.local/bin or /usr/local/bin: the system's Python is left as it is.
# MSQUIC_PY_PYTHON names another Python than python3.
set -euo pipefail
cd "$(dirname "$0")/.."

with_lint=0
check_only=0
for argument in "$@"; do
  case "$argument" in
    --with-lint) with_lint=1 ;;
    --check) check_only=1 ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup: unknown option $argument" >&2; exit 2 ;;
  esac
done

say() { echo "setup: $*" >&2; }

packages=(g++ cmake ninja-build make perl pkg-config ccache cargo libgtest-dev libbenchmark-dev libcli11-dev
  libspdlog-dev nlohmann-json3-dev ffmpeg libavformat-dev libavcodec-dev libavdevice-dev libavfilter-dev libavutil-dev tshark python3-venv python3-dev ca-certificates)
lint_packages=(clang clang-format clang-tidy llvm libclang-rt-dev)

have_command() { command -v "$1" >/dev/null 2>&1; }

# Some releases have them within clang's own packages, and no libclang-rt-dev.
clang_has_sanitizers() {
  have_command clang && compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.asan*" >/dev/null
}

# A command or a Python of the user's own (rustup, pyenv, ...) counts as much as the system's package.
present() {
  case "$1" in
    g++) have_command c++ || have_command g++ || have_command clang++ ;;
    cmake | make | perl | ccache | ffmpeg | tshark | clang | clang-format | clang-tidy) have_command "$1" ;;
    libclang-rt-dev) clang_has_sanitizers ;;
    llvm) have_command llvm-cov && have_command llvm-profdata ;;
    cargo) have_command cargo || [[ -x "${HOME:-/nonexistent}/.cargo/bin/cargo" ]] ;;
    ninja-build) have_command ninja ;;
    pkg-config) have_command pkg-config || have_command pkgconf ;;
    ca-certificates) [[ -s /etc/ssl/certs/ca-certificates.crt ]] || [[ -n "${SSL_CERT_FILE:-}" ]] ;;
    python3-venv) "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
    python3-dev) "$python" -c 'import pathlib, sysconfig, sys; sys.exit(not (pathlib.Path(sysconfig.get_paths()["include"]) / "Python.h").exists())' >/dev/null 2>&1 ;;
    *) [[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" == installed ]] ;;
  esac
}

python="${MSQUIC_PY_PYTHON:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  say "Python 3.11 or newer is needed; '$python' is missing or older. Name another one: MSQUIC_PY_PYTHON=/path/to/python3.12"
  exit 1
fi

missing=()
wanted=("${packages[@]}")
((with_lint)) && wanted+=("${lint_packages[@]}")
if have_command dpkg-query; then
  for package in "${wanted[@]}"; do
    present "$package" || missing+=("$package")
  done
else
  # Not a Debian: only what can be seen without its package manager is checked.
  for package in g++ cmake make perl cargo ninja-build ffmpeg tshark python3-venv python3-dev; do
    present "$package" || missing+=("$package")
  done
fi

if ((${#missing[@]})); then
  if ((check_only)); then
    say "missing: ${missing[*]}"
    exit 1
  fi
  if ! have_command apt-get; then
    say "please install what Debian calls: ${missing[*]}"
    say "(this system has no apt; the packages have other names elsewhere)"
    exit 1
  fi
  as_root=()
  if [[ "$(id -u)" != 0 ]]; then
    if have_command sudo && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      say "these system packages are missing, and installing them needs root. Run:"
      say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
      exit 1
    fi
  fi
  say "installing ${missing[*]}"
  log=$(mktemp)
  install_missing() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq update </dev/null || return
    if [[ " ${missing[*]} " == *" libclang-rt-dev "* && -z "$(apt-cache show libclang-rt-dev 2>/dev/null)" ]]; then
      missing=($(printf '%s\n' "${missing[@]}" | grep -vx libclang-rt-dev))
      ((${#missing[@]})) || return 0
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
        --no-install-recommends "${missing[@]}" </dev/null
  }
  if ! install_missing >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt-get could not install: ${missing[*]} (whole output: $log)"
    exit 1
  fi
  rm -f "$log"
fi

# uv lives in a virtual environment of its own and is linked into a folder on the PATH.
uv_home="${XDG_DATA_HOME:-${HOME:?HOME is not set}/.local/share}/msquic-py/uv"
if ! have_command uv && [[ ! -x "$uv_home/bin/uv" ]]; then
  if ((check_only)); then
    say "missing: uv"
    exit 1
  fi
  say "installing uv into $uv_home"
  "$python" -m venv --clear "$uv_home"
  "$uv_home/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.6' </dev/null
fi
if ! have_command uv && ! ((check_only)); then
  target="$HOME/.local/bin"
  if [[ ":$PATH:" != *":$target:"* && ":$PATH:" == *":/usr/local/bin:"* && -w /usr/local/bin ]]; then
    target=/usr/local/bin
  fi
  mkdir -p "$target"
  ln -sf "$uv_home/bin/uv" "$uv_home/bin/uvx" "$target/"
  say "uv is $target/uv"
  have_command uv || say "$target is not on your PATH; add it to use uv by name (the make targets do not need it)"
fi
