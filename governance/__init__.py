"""The rules: pure functions and plain records. No I/O, no clock ("now" is an argument), no logging."""
