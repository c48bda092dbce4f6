"""What only SQL can say: roles that may not meet, the cache's table."""

from django.db import migrations

# Each role occupies a range: the business roles one point each, an administrator of the three all of them.
# Ranges of the same user that overlap on any day are refused, so an administrator stands alone and nobody
# holds a role twice. Core PostgreSQL has GiST for ranges; no extension is needed.
OFFICER_ROLES_APART = """
ALTER TABLE accounts_officer ADD CONSTRAINT officer_roles_apart EXCLUDE USING gist (
    int8range(user_id, user_id, '[]') WITH &&,
    daterange(valid_from, valid_until, '[)') WITH &&,
    (CASE role
        WHEN 'reviewer' THEN int4range(1, 2)
        WHEN 'approver' THEN int4range(2, 3)
        WHEN 'finance' THEN int4range(3, 4)
        WHEN 'auditor' THEN int4range(4, 5)
        ELSE int4range(1, 5)
    END) WITH &&
)
"""

# What `createcachetable` would make.
CACHE_TABLE = """
CREATE TABLE accounts_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY, value text NOT NULL, expires timestamp with time zone NOT NULL
);
CREATE INDEX accounts_cache_expires ON accounts_cache (expires)
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(OFFICER_ROLES_APART, "ALTER TABLE accounts_officer DROP CONSTRAINT officer_roles_apart"),
        migrations.RunSQL(CACHE_TABLE, "DROP TABLE accounts_cache"),
    ]
