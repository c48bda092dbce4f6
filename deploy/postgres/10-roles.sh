#!/bin/sh
# Runs once, when the database is made: an owner for migrations, a runtime role that owns nothing.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -v owner="$OWNER_PASSWORD" -v runtime="$RUNTIME_PASSWORD" <<'SQL'
CREATE ROLE vouchers_owner LOGIN PASSWORD :'owner';
CREATE ROLE vouchers_runtime LOGIN PASSWORD :'runtime';
CREATE DATABASE vouchers OWNER vouchers_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE vouchers FROM PUBLIC;
GRANT CONNECT ON DATABASE vouchers TO vouchers_runtime;
SQL
