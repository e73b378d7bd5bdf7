#!/bin/sh
# secrets.sh FOLDER: draw the secrets that an installation needs, each into a file of its own.
# Nobody but this user can enter the folder; the files in it are readable, so that a container can be handed one.
# What is there already stays: SECRET_KEY must never change.
set -eu
umask 022
mkdir -p "$1"
chmod 700 "$1"
for name in superuser_password owner_password database_password token_secret secret_key metrics_token; do
    test -s "$1/$name" || openssl rand -hex 32 > "$1/$name"
done
# What Rekindle signs mails with (DKIM).
test -s "$1/dkim_key" || openssl genrsa 2048 > "$1/dkim_key" 2> /dev/null
database="${DATABASE_HOST:-postgres}/rekindle"
test -s "$1/owner_url" || echo "postgres://rekindle_owner:$(cat "$1/owner_password")@$database" > "$1/owner_url"
test -s "$1/database_url" || echo "postgres://rekindle:$(cat "$1/database_password")@$database" > "$1/database_url"
test -s "$1/smtp_url" || echo "${SMTP_URL:-smtp://127.0.0.1:25}" > "$1/smtp_url"
