"""A claim from its first file to the money: papers, amount, submission, corrections, decision."""
