"""The enterprises' and the public's pages."""
