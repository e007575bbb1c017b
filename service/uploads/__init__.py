"""Files that clients bring: checkpoints and data sets. They are kept here, and opened by jobs alone."""
