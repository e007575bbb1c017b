"""What is measured: a file per quantity, each a pure function of what was recorded."""
