"""`python -m pilah` is the command `pilah`."""

from pilah.cli import main

if __name__ == "__main__":
    main()
