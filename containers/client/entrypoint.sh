#!/bin/sh
# moqt-conform as the public interop runner starts a test client (docs/reference/moqt-conform.md).
#
# RELAY_URL, TESTCASE, TLS_DISABLE_VERIFY, VERBOSE and MOQT_DRAFT are read by the program; MOQT_CONFORM names it.
set -eu
exec "${MOQT_CONFORM:-moqt-conform}" interop "$@"
