"""The code that runs in the cloud: validated merging as a wrapper around any Flower strategy."""
