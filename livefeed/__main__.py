"""`python -m livefeed` and the command `livefeed`."""

from livefeed.cli import main

if __name__ == "__main__":
    main()
