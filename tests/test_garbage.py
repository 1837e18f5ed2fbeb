"""What long-running processes do once they have loaded everything."""

import gc

from celery.signals import worker_process_init

from wms import celery, garbage


def test_what_was_loaded_is_looked_through_no_more():
    thresholds = gc.get_threshold()
    try:
        garbage.settle()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] == garbage.NEW_OBJECTS
        # What comes later is still found.
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_every_process_of_a_worker_settles():
    assert celery._settle in {receiver() for _key, receiver in worker_process_init.receivers}
