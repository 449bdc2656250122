"""manifest.csv + recipe -> a run folder and a model file. The only folder that may import Keras."""

import os
from pathlib import Path

from pilah.caches import keep_nothing

# TensorFlow logs its start and its processor to the terminal; an error still raises an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Keras would write its defaults into a new ~/.keras. One that exists may hold ImageNet weights.
if not (Path.home() / ".keras").exists():
    keep_nothing("KERAS_HOME")
