"""People who sign in: the user model, officers with role and district, the second factor."""
