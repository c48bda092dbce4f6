"""The year's calls: every parameter shown with the clause it comes from, and edited until it is published."""
