"""matplotlib, imported here and nowhere else: its list of fonts is not kept below the home."""

from pilah.caches import keep_nothing

keep_nothing("MPLCONFIGDIR")

import matplotlib as mpl  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: E402

__all__ = ["Axes", "Figure", "MaxNLocator", "PercentFormatter", "mpl"]
