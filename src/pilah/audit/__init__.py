"""For whom a model errs: labelled photos with group columns -> tables, a plot, the model card."""
