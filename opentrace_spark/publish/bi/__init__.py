"""`opentrace bi`: a star schema and latest-week tables of what silver and gold say."""
