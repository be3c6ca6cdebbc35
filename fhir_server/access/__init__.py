"""Who may do what to which resources, and the trace of it."""
