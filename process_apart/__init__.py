"""A process of its own for what strangers sent, or for what may fail.

The libraries that read files meet every trick there is; whatever happens to such a process, the house
goes on.
"""
