"""`opentrace report`: the figures of the paper as SVG and PNG, and one page that works offline.

Needs the packages of the extra `report`.
"""
