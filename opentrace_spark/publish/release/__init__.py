"""`opentrace publish`: the tables as a public dataset, with a card, metadata and checksums."""
