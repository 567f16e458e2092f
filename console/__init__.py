"""The command line: settings, the project at hand, commands, and what they print."""

__version__ = "0.1.0"
