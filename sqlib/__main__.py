"""``python -m sqlib …``"""

from sqlib.cli import main

main()
