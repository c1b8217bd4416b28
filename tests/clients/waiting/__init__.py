"""The clients' own flow of tools and approvals, by their own code, against a service whose turns wait for it."""
