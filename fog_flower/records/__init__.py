"""What a run leaves on disk: text files, written by temp file and rename, never overwritten."""
