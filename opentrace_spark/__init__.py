"""Who shapes the open-model ecosystem, measured from the weekly downloads of the Hub."""

__version__ = "0.1.0"
