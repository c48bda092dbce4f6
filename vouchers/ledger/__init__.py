"""The only code that moves money."""
