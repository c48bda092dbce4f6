"""“一事一议”: agreements made case by case — the list, writing one down, approving and ending it."""
