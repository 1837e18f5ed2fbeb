"""The supervisors' pages of what comes in, and the labels of bins, skus and cartons."""
