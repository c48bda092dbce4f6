"""“政策测算”: what another call, or another law, would have meant for a year's real claims."""
