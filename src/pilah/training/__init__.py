"""manifest.csv + recipe -> a run folder and a model file. The only folder that may import Keras."""

from pathlib import Path

from pilah.caches import keep_nothing

# Keras would write its defaults into a new ~/.keras. One that exists may hold ImageNet weights.
if not (Path.home() / ".keras").exists():
    keep_nothing("KERAS_HOME")
