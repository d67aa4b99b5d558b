"""The lab's command line: `python -m swefoundry_lab up | down | status | reset | node`."""

from swefoundry_lab.cli import main

if __name__ == "__main__":
    main()
