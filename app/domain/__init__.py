"""Pure rules and values: hedges, intervals, datasets, search tokens, URLs. Imports no other package of the project."""
