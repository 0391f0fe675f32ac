"""Many runs, one after the other; can be killed at any time and continued by the same command."""
