"""Orders that change a year's money: finance prepares, another officer signs, the auditor looks on."""
