"""Documents of users: read in processes of their own, split into passages, embedded, indexed and searched."""
