"""Sizes of models: known, told by names, or estimated from the bytes of their files."""
