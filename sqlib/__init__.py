"""Service Quality Workbench: the helper package behind the report notebooks."""

__version__ = "0.1.0"
