"""Printing: sheets of plain data become PDF; a Document row keeps each with its sha256."""
