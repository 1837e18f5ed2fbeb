"""`python -m labels.agent`, and what the one file runs."""

import sys

from labels.agent.main import main

sys.exit(main(sys.argv[1:]))
