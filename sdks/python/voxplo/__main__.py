"""`python -m voxplo`."""

import sys

from byourside.command import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m voxplo"))
