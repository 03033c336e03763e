"""``python -m aftershock``: the command line."""

import sys

from aftershock.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
