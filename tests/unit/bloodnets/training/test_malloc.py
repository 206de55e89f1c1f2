"""Memory that a step of training frees is kept for the next one."""

import ctypes
import resource
import subprocess
import sys

import pytest

PROBE = """
import resource
import torch
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.config import TrialConfig
from bloodnets.training.loop import train_epoch
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step
from study.configs.presets import PUBLISHED

torch.set_num_threads(1)
keep_freed_memory()
config, cpu = PUBLISHED["cnn-config-1"], torch.device("cpu")
images = torch.zeros(5 * config.batch_size, 28, 28, 3, dtype=torch.uint8)
split = DeviceSplit(images, torch.zeros(len(images), dtype=torch.int64))
state = TrainingState.create(config, BLOODMNIST_SHAPE, cpu)
step = make_training_step(state, config, split)
train_epoch(state, config, step, split)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(2):
    train_epoch(state, config, step, split)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="of glibc alone, as on most Linux systems"
)
def test_keep_freed_memory_training_step_has_few_page_faults() -> None:
    """By default one of a CNN asks for some 2,000 pages."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    faults = float(done.stdout)
    assert faults * resource.getpagesize() < 2**20
