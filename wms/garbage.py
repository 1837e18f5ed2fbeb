"""Python's garbage collector: less of it where it finds nothing."""

import atexit
import gc

# Where thousands of rows are read at once, looking through all of them after every 700 new ones is most of the work.
NEW_OBJECTS = 20_000


def spare_the_start() -> None:
    """First thing in a program: it loads half a million objects that all stay, and at its end they go with the process, looked through by nobody."""
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)


def settle() -> None:
    """What was loaded before the first request or task stays for good: it is not looked through again and again.

    Done before a fork, the children go on sharing its memory: the collector writes to what it looks through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
