"""The application: front doors and the wiring."""
