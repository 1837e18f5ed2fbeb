"""What processes do before and after they have loaded everything."""

import gc
import subprocess
import sys

import pytest
from celery.signals import worker_before_create_process, worker_process_init

from wms import celery, garbage


def test_what_was_loaded_is_looked_through_no_more():
    # The tests themselves have settled, and stay so.
    gc.unfreeze()
    gc.set_threshold(700)
    garbage.settle()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] == garbage.NEW_OBJECTS
    # What comes later is still found.
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1


@pytest.mark.parametrize("signal", [worker_before_create_process, worker_process_init])
def test_a_worker_settles_before_its_children_come_and_each_of_them_too(signal):
    assert celery._settle in {receiver() for _key, receiver in signal.receivers}


def test_a_start_looks_seldom_and_an_end_not_at_all():
    program = """
import atexit, gc
atexit.register(lambda: print(gc.get_threshold()[0], gc.get_freeze_count() > 1_000))
from wms import garbage
garbage.spare_the_start()
print(gc.get_freeze_count())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0", f"{garbage.NEW_OBJECTS} True"]
