"""Pure rules and values: hedges, intervals, datasets, words. Imports no other package of the project."""
