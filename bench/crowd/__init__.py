"""Parts of the benches that hold many calls at once: load, contenders, control, and what is made of it."""
