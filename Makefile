# Thin names over CMake, uv and the test runners. Every target sets up what it needs and works in a fresh clone.
#
#   make develop   system packages, .venv, the C++ libraries and programs, the Python extension
#   make test      the C++ tests (ctest) and the Python tests (pytest)
#   make test-free-threaded   the Python tests with a free-threaded Python, if there is one (FREE_THREADED_PYTHON)
#   make demo      publisher -> relay -> subscriber, three processes, a playable video
#   make lint      clang-format, clang-tidy, ruff, mypy, pyright make format   rewrite to that style
#   make bench     benchmarks, in Release                        make fuzz     every fuzz target, FUZZ_SECONDS each
#   make fuzz-play two hours (PLAY_SECONDS) for each fuzz target of whole sessions and relays, then fuzz-coverage: what of
#                  src/moqt and src/relay the inputs reach
#   make asan      C++ tests with address and undefined sanitizers; make tsan: with the thread sanitizer
#   make stress    connections and streams by the thousand, ten minutes with either sanitizer; memory must stay flat
#   make soak      relays behind relays while relays and publishers are killed: nothing lost, nothing doubled, memory flat
#   make simulate  sessions and relays on a network in memory, SEEDS seeds of it; prints how to replay what fails
#   make layers    who may include whom                          make wheel    dist/*.whl
#   make codecs    compares the codecs of all drafts with moqtap-codec, both ways; needs cargo
#   make interop   independent implementations, cell by cell: the table of docs/interop.md; builds three crates once
#   make conformance   docs/conformance.md, from what code and tests cite of the draft; fails where a rule has no proof
#   make wheels    wheelhouse/*.whl: manylinux, for 3.11, the stable ABI from 3.12 on and a free-threaded Python; tested with
#                  every Python here
#   make clean     removes build/, dist/ and .venv (not the cached MsQuic)
#
# Variables: JOBS, MSQUIC_PY_PYTHON (the interpreter for .venv), CTEST_ARGS, PYTEST_ARGS, PYTEST_WORKERS (processes that share
# the Python tests; 0: none but pytest's own), DEMO_ARGS, INTEROP_ARGS, CODEC_ARGS, SOAK_MINUTES, SOAK_ARGS, FUZZ_SECONDS, PLAY_SECONDS, STRESS_SECONDS, STRESS_CONNECTIONS, SEEDS, WERROR=ON,
# UNITY=OFF (each source by itself), CMAKE_ARGS (for the dev tree).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
WERROR ?= OFF
UNITY ?= ON
FUZZ_SECONDS ?= 20
PLAY_FUZZERS := relay chain application
PLAY_SECONDS ?= 7200
STRESS_SECONDS ?= 600
STRESS_CONNECTIONS ?= 10000
SEEDS ?= 10000
SOAK_MINUTES ?= 3
SOAK_ARGS ?=
INTEROP_ARGS ?=
CODEC_ARGS ?=
CTEST_ARGS ?=
PYTEST_ARGS ?=
PYTEST_WORKERS ?= 3
DEMO_ARGS ?=
CMAKE_ARGS ?=

BUILD := build/dev
VENV := .venv
PY := $(VENV)/bin/python
# Much of what the tests do is waiting. Whoever has nothing left takes tests from the other.
PYTEST_SHARED := -n $(PYTEST_WORKERS) --dist worksteal
# What setup.sh installs may appear while make runs, so these are looked up when they are used.
UV = $(shell command -v uv || echo "$${XDG_DATA_HOME:-$$HOME/.local/share}/msquic-py/uv/bin/uv")
CCACHE = $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
UV_SYNC = $(UV) sync --quiet --inexact --group example --no-build-isolation-package msquic-py
UV_VENV = $(if $(MSQUIC_PY_PYTHON),--python $(MSQUIC_PY_PYTHON))

# Several checkouts share one cache.
export CCACHE_NOHASHDIR := 1
export CCACHE_BASEDIR := $(CURDIR)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
export CTEST_PARALLEL_LEVEL ?= $(JOBS)
# The history is what the thread sanitizer remembers of accesses, so that it can name the earlier one of two.
TSAN = TSAN_OPTIONS="suppressions=$(CURDIR)/tools/tsan.supp history_size=4 $${TSAN_OPTIONS:-}"

.PHONY: help setup venv configure develop test cpp-test python-test test-free-threaded demo lint format bench fuzz fuzz-play fuzz-coverage asan tsan configure-asan configure-tsan \
  stress soak simulate layers codecs interop conformance wheel wheels clean

help:
	@sed -n '3,25s/^# \{0,1\}//p' Makefile

setup:
	@tools/setup.sh

# The environment without the project, then the tree, then the project into the environment: nothing is built twice.
venv: setup
	@$(UV_SYNC) $(UV_VENV) --no-install-project </dev/null

configure: venv
	@mkdir -p build
	@cmake --preset dev -DMSQUIC_PY_PYTHON=ON -DMSQUIC_PY_APPS=ON -DMSQUIC_PY_TESTS=ON \
	  -DMSQUIC_PY_UNITY=$(UNITY) -DMSQUIC_PY_WARNINGS_AS_ERRORS=$(WERROR) "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -g1 -DNDEBUG" \
	  -DPython_EXECUTABLE="$(CURDIR)/$(PY)" -Dnanobind_DIR="$$($(PY) -m nanobind --cmake_dir)" \
	  $(CCACHE) $(CMAKE_ARGS) 2>&1 </dev/null | tee $(BUILD).configure.log | { grep --line-buffered '^-- MsQuic' || true; } \
	  || { cat $(BUILD).configure.log; exit 1; }

# The stubs are written by importing what was built: an older editable install would be imported in its place.
develop: configure
	@cmake --build $(BUILD) --target _native msquic_py_apps </dev/null
	@[ ! -e $(BUILD)/.editable ] || [ -z "$$(find $(BUILD)/python/msquic -maxdepth 1 -name '_native*' -newer $(BUILD)/.editable)" ] \
	  || $(UV) pip uninstall --quiet --python $(PY) msquic-py </dev/null
	@cmake --build $(BUILD) --target msquic_py_python </dev/null
	@tools/install_editable.sh "$(UV)" "$(PY)" "$(BUILD)"

test: develop
	@cmake --build $(BUILD) </dev/null
	@tools/run_tests.sh "$(BUILD)" "$(PY)" "$(CTEST_ARGS)" "$(PYTEST_SHARED) $(PYTEST_ARGS)"

cpp-test: develop
	@cmake --build $(BUILD) </dev/null
	@ctest --test-dir $(BUILD) --no-tests=error --output-on-failure $(CTEST_ARGS) </dev/null

python-test: develop
	@$(PY) -m pytest $(PYTEST_SHARED) $(PYTEST_ARGS) </dev/null

test-free-threaded: setup
	@tools/free_threaded.sh "$(UV)" "$(PYTEST_ARGS)"

demo: develop
	@$(PY) tools/demo.py

soak: develop
	@$(PY) tools/soak.py --shape row --minutes $(SOAK_MINUTES) $(SOAK_ARGS)
	@$(PY) tools/soak.py --shape tree --minutes $(SOAK_MINUTES) $(SOAK_ARGS)

layers:
	@$${MSQUIC_PY_PYTHON:-python3} tools/check_layers.py

codecs: configure
	@cmake --build $(BUILD) --target wire_corpus </dev/null
	@$${MSQUIC_PY_PYTHON:-python3} tools/compare_codecs.py $(BUILD) $(CODEC_ARGS)

interop: develop
	@$(PY) tools/interop --jobs $(JOBS) $(INTEROP_ARGS)

conformance:
	@$${MSQUIC_PY_PYTHON:-python3} tools/conformance.py $(CONFORMANCE_ARGS)

# clang-tidy asks a tree in which every source is compiled by itself.
lint: develop
	@tools/setup.sh --with-lint
	@$(UV_SYNC) --group lint </dev/null
	@cmake --preset dev -B build/lint -DMSQUIC_PY_UNITY=OFF -DMSQUIC_PY_TESTS=OFF >build/lint.configure.log 2>&1 </dev/null || { cat build/lint.configure.log; exit 1; }
	@tools/lint.sh build/lint "$(PY)" "$(JOBS)"

format: venv
	@tools/setup.sh --with-lint
	@$(UV_SYNC) --group lint --no-install-project </dev/null
	@git ls-files -z '*.h' '*.cpp' | xargs -0 -r clang-format -i
	@$(PY) -m ruff check --quiet --fix . || true
	@$(PY) -m ruff format .

bench: develop
	@mkdir -p build
	@$(UV_SYNC) --group bench </dev/null
	@cmake --preset release -DMSQUIC_PY_TESTS=OFF $(CCACHE) >build/release.configure.log 2>&1 </dev/null \
	  || { cat build/release.configure.log; exit 1; }
	@cmake --build build/release </dev/null
	@$(PY) bench/run.py --build build/release

fuzz: setup
	@mkdir -p build
	@tools/setup.sh --with-lint
	@cmake --preset fuzz -DMSQUIC_PY_TESTS=OFF $(CCACHE) >build/fuzz.configure.log 2>&1 </dev/null \
	  || { cat build/fuzz.configure.log; exit 1; }
	@cmake --build build/fuzz --target msquic_py_fuzzers </dev/null
	@tools/run_fuzzers.sh build/fuzz $(FUZZ_SECONDS)

# Two hours for each of those that play with whole sessions and relays; then what all that was found reaches.
fuzz-play: setup
	@mkdir -p build
	@tools/setup.sh --with-lint
	@cmake --preset fuzz -DMSQUIC_PY_TESTS=OFF $(CCACHE) >build/fuzz.configure.log 2>&1 </dev/null \
	  || { cat build/fuzz.configure.log; exit 1; }
	@cmake --build build/fuzz --target $(PLAY_FUZZERS:%=%_fuzzer) </dev/null
	@tools/run_fuzzers.sh build/fuzz $(PLAY_SECONDS) $(PLAY_FUZZERS)
	@$(MAKE) --no-print-directory fuzz-coverage

fuzz-coverage: setup
	@mkdir -p build
	@tools/setup.sh --with-lint
	@cmake --preset fuzz-coverage -DMSQUIC_PY_TESTS=OFF $(CCACHE) >build/fuzz-coverage.configure.log 2>&1 </dev/null \
	  || { cat build/fuzz-coverage.configure.log; exit 1; }
	@cmake --build build/fuzz-coverage --target $(PLAY_FUZZERS:%=%_fuzzer) </dev/null
	@tools/fuzz_coverage.sh build/fuzz-coverage build/fuzz $(PLAY_FUZZERS)

configure-asan configure-tsan: configure-%: setup
	@mkdir -p build
	@cmake --preset $* $(CCACHE) >build/$*.configure.log 2>&1 </dev/null || { cat build/$*.configure.log; exit 1; }

asan tsan: %: configure-%
	@cmake --build build/$@ </dev/null
	@$(TSAN) ctest --test-dir build/$@ --no-tests=error --output-on-failure $(CTEST_ARGS) </dev/null

# What the address sanitizer keeps of freed memory would look like growth until its quarantine is full.
stress: configure-asan configure-tsan
	@for preset in asan tsan; do \
	  echo "== $$preset"; \
	  cmake --build build/$$preset --target quic_stress </dev/null; \
	  ASAN_OPTIONS="quarantine_size_mb=32 $${ASAN_OPTIONS:-}" $(TSAN) \
	  MSQUIC_PY_STRESS_SECONDS=$(STRESS_SECONDS) MSQUIC_PY_STRESS_CONNECTIONS=$(STRESS_CONNECTIONS) \
	    build/$$preset/tests/stress/quic_stress </dev/null; \
	done

simulate: configure
	@cmake --build $(BUILD) --target simulation </dev/null
	@$(BUILD)/tests/simulation/simulation --seeds $(SEEDS)
	@for relays in "--chain 2" "--chain 3" "--tree 5"; do \
	  $(BUILD)/tests/simulation/simulation --seeds $$(($(SEEDS) / 4)) $$relays --drafts 1; \
	  $(BUILD)/tests/simulation/simulation --seeds $$(($(SEEDS) / 4)) $$relays --drafts 1 --several 1; \
	  $(BUILD)/tests/simulation/simulation --seeds $$(($(SEEDS) / 4)) $$relays --drafts 1 --restarts 1 --stalls 1 --memory 1; \
	done

wheel: setup
	@$(UV) build --wheel --out-dir dist </dev/null

wheels: setup
	@CMAKE_C_COMPILER_LAUNCHER="$$(command -v ccache)" CMAKE_CXX_COMPILER_LAUNCHER="$$(command -v ccache)" tools/wheels.sh "$(UV)"

clean:
	@rm -rf build dist wheelhouse $(VENV) .mypy_cache .pytest_cache .ruff_cache demo-output
