"""The private PostgreSQL: walls are taken down in a database that is thrown away."""

from tests.town import town, town_server

__all__ = ["town", "town_server"]
