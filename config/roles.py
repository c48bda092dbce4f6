"""What the runtime role may do in the database. It owns nothing and may truncate nothing.

`grant_privileges` runs after every migration, as the owner. A table that stands in neither list below
is ordinary: SELECT, INSERT, UPDATE, DELETE.
"""

from django.conf import settings
from django.db import connections

# Rows that may be added and never changed.
INSERT_ONLY: set[str] = set()
# Rows that only a SECURITY DEFINER function of the owner may write.
READ_ONLY: set[str] = {"django_migrations"}


def grant_privileges(using: str, **kwargs) -> None:
    """Give the runtime role exactly its privileges on every table of the database `using`."""
    if settings.RUNTIME_ROLE == settings.DATABASES[using]["USER"]:
        return
    connection = connections[using]
    quote = connection.ops.quote_name
    role = quote(settings.RUNTIME_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}, PUBLIC")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
        for table in connection.introspection.table_names(cursor):
            rights = "SELECT, INSERT, UPDATE, DELETE"
            if table in INSERT_ONLY:
                rights = "SELECT, INSERT"
            elif table in READ_ONLY:
                rights = "SELECT"
            cursor.execute(f"GRANT {rights} ON {quote(table)} TO {role}")
