"""Rows of data sets: reading of files and columns, conversion to instances, and export."""
