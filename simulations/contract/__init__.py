"""What each kind of plug-in must do to be used here: ``fog-flower check``."""
