"""What a page owes its reader about the data, one module a table that pages are about."""
