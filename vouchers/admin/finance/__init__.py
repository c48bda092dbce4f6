"""Where finance officers pay, and where the books and the trail are read."""
