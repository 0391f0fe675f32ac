"""What a run leaves behind: text, written by temp file and rename, never overwritten by another."""
