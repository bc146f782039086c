#!/bin/sh
# moqt-relay as the public interop runner starts a relay (docs/reference/moqt-conform.md).
#
# MOQT_ROLE (relay), MOQT_PORT (4443, UDP), MOQT_CERT, MOQT_KEY, MOQT_DRAFT (draft-NN: no other one). MOQT_RELAY names the program.
set -eu
if [ "${MOQT_ROLE:-relay}" != relay ]; then
  echo "moqt-relay cannot be a ${MOQT_ROLE}" >&2
  exit 127
fi
for file in "${MOQT_CERT:=/certs/cert.pem}" "${MOQT_KEY:=/certs/priv.key}"; do
  if [ ! -r "$file" ]; then
    echo "$file cannot be read: mount the certificates, or set MOQT_CERT and MOQT_KEY" >&2
    exit 1
  fi
done
draft=${MOQT_DRAFT:-}
exec "${MOQT_RELAY:-moqt-relay}" --port "${MOQT_PORT:-4443}" --cert "$MOQT_CERT" --key "$MOQT_KEY" \
  ${draft:+--draft "${draft#draft-}"} "$@"
