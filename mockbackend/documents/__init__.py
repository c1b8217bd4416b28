"""Documents: read in processes of their own, split, embedded, indexed and searched."""
