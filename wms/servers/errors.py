class CannotStart(Exception):
    """The system cannot start, and the message says to its operator why and what to do."""
