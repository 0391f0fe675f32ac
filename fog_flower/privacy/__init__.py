"""Privacy guarantees and how they compose; the mechanisms are in ``clients/privacy``."""
