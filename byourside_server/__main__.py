"""`python -m byourside_server` is `byourside-server`."""

import sys

from byourside_server.cli import main

sys.exit(main())
