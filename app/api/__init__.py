"""The HTTP interface: the generic list and item of every resource, and the routes written by hand."""
