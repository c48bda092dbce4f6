"""The demonstration: made-up people and firms, real services, real files."""
