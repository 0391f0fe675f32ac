"""The live view: what the records of a run or sweep say so far, in a browser."""
