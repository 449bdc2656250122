"""scores.csv -> numbers and pictures."""
