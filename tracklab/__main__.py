"""`python -m tracklab`: see `tracklab.cli`."""

import sys

from tracklab.cli import main

if __name__ == "__main__":
    sys.exit(main())
