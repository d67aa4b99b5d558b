"""What commands print: pages and tables from API objects."""
