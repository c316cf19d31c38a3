"""May this call be placed?

Pure answers: numbers and prefixes in, a `Destination` or a `Refusal` out. No store, no clock, no network;
the tables in `data/` are read once.
"""
