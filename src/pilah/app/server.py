"""What `pilah app` runs: Streamlit's server, which here never asks for this machine's addresses.

Left to itself it asks an outside service when it serves everyone, and when it refuses a page of
another origin. A page of the app needs no answer: its origin is the host that it was asked from.
"""

from streamlit import net_util
from streamlit.web.cli import main


def _unknown() -> None:
    """Which address has this machine on a network?"""


if __name__ == "__main__":
    net_util.get_external_ip = net_util.get_internal_ip = _unknown
    main(prog_name="streamlit")
