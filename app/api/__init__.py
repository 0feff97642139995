"""HTTP interface: generic list and item routes of every resource, and further routes by subject."""
