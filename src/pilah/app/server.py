"""What `pilah app` runs: Streamlit's server, without its look-up of this machine's addresses.

By default Streamlit asks an outside service for them when it listens on 0.0.0.0 and when it checks
a page of another origin. The app's own pages are of the same origin and pass that check without.
"""

from streamlit import net_util
from streamlit.web.cli import main


def _unknown() -> None:
    """The address of this machine on a network."""


if __name__ == "__main__":
    net_util.get_external_ip = net_util.get_internal_ip = _unknown
    main(prog_name="streamlit")
