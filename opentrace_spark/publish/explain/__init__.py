"""`opentrace explain`: from a figure back to the rows and files that made it, without Spark."""
