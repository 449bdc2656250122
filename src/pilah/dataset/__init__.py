"""Sources of labelled photos -> manifest.csv."""
