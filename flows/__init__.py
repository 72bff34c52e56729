"""The work itself, the command, and the thin layer that knows Prefect."""

import atexit
import gc
import os

# Set before polars is loaded, which reads it once: pages of some megabytes come and go, and memory that is
# given back to the system after each must be had and cleared anew for the next. That is told by milliseconds.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:30000,muzzy_decay_ms:30000")

# Nearly everything that is alive lives to the end (modules, models, expressions): to look for garbage among
# it after every 700 new objects takes a fifth of the time that starting takes.
gc.set_threshold(200_000, 20, 50)

# At the end all of it would be looked through once more, only to be dropped.
atexit.register(gc.freeze)
