"""What the domain demands of a write: states, transitions, guards."""
