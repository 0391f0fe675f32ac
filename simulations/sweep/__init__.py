"""Many runs, one after the other; kill it at any moment, and the same command goes on."""
