"""The places where Parley runs: behind nginx, as several, on a Space."""
