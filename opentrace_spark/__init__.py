"""opentrace-spark: who shapes the open-model ecosystem, measured from the Hub's weekly downloads."""

__version__ = "0.1.0"
