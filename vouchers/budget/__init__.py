"""The year's money: appropriation, and giving what is released to whoever waits first."""
