"""Everything that happens without a click: delivering, executing, warning, expiring, sealing."""
