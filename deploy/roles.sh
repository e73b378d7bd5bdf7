#!/bin/sh
# roles.sh FOLDER: make the two roles and their database, with the passwords that secrets.sh drew in FOLDER.
# psql must come in as a superuser: by PGHOST, PGUSER, PGPASSWORD_FILE, or by a command of your own in PSQL.
# Run again it sets the passwords anew and changes nothing else. They are in no command line, which others could read.
set -eu
test -z "${PGPASSWORD_FILE:-}" || { PGPASSWORD="$(cat "$PGPASSWORD_FILE")" && export PGPASSWORD; }
{
    printf '\\set owner_password %s\n\\set app_password %s\n' "$(cat "$1/owner_password")" "$(cat "$1/database_password")"
    cat "$(dirname "$0")/roles.sql"
} | ${PSQL:-psql} --no-psqlrc --quiet --dbname postgres -v database=rekindle -v owner=rekindle_owner -v app=rekindle
