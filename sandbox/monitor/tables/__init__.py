"""The tables of the workspace: what is declared, how a JSON value becomes a column's, and where the rows are."""
