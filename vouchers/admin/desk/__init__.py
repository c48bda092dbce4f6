"""Where reviewers and approvers work: what waits for them, and one claim on one screen."""
