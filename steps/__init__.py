"""The steps of a turn, one file each; handler.py puts them in order."""
