"""What protections promise and how promises add up; mechanisms are in ``clients/privacy``."""
