"""Long work as rows: progress, lease, retry, result. Losing the broker loses nothing."""
