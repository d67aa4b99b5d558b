"""``python -m scripted_model``."""

from scripted_model.cli import main

if __name__ == "__main__":
    main()
