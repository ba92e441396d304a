"""Reads documents: a program of its own, `python -m document_reader`, that the house starts for each one.

It takes the file on its input and writes JSON. A format is a file here; nobody else imports them.
"""
