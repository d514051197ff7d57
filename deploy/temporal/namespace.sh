#!/bin/sh
# Waits for the server and makes the namespace that workers ask, unless it is there.
set -eu
: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}"

tries=60
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
        echo "no Temporal server answers at $TEMPORAL_ADDRESS" >&2
        temporal operator cluster health
        exit 1
    fi
    sleep 2
done
if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "${RETENTION:-72h}"
fi
