#!/bin/sh
# Makes Temporal's two databases, or brings them up to the version of this image. What is there already stays.
set -eu
: "${POSTGRES_HOST:?}" "${POSTGRES_USER:?}" "${SQL_PASSWORD:?}"

sql() {
    temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_HOST" --port 5432 --user "$POSTGRES_USER" --db "$@"
}
bring_up() {
    sql "$1" create
    sql "$1" setup-schema --version 0.0
    sql "$1" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}
bring_up temporal temporal
bring_up temporal_visibility visibility
