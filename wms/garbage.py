"""Python's garbage collector in processes that run for long."""

import gc

# Where thousands of rows are read at once, looking through all of them after every 700 new ones is most of the work.
NEW_OBJECTS = 20_000


def settle() -> None:
    """What was loaded before the first request or task stays for good: it is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
