"""manifest.csv + recipe -> a run folder and a model file. The only folder that may import Keras."""

import os

# TensorFlow logs its start and its processor to the terminal; an error still raises an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
