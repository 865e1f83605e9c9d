"""The words of `/approvals`: what somebody typed is understood forgivingly and answered privately.

`table.WORDS` is where a word is entered: what answers it, and how it is explained.
"""
