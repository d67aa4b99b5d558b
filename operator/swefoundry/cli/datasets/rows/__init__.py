"""Rows of data sets: read from files, understood column by column, turned into instances."""
