"""The records of a run: text files, written by temp file and rename, never overwritten."""
