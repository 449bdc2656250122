"""A model's errors by group: labelled photos with columns of groups -> tables, plots, its card."""
