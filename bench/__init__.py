"""A paired benchmark of this service against the usual stack."""
