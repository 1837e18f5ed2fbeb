"""`wms bench`: the project's commands beside the least that PostgreSQL has to do for the same rows, in one run."""
