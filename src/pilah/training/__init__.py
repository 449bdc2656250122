"""manifest.csv + recipe -> a run folder and a model file. The only folder that may import Keras."""
