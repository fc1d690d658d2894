"""Sigmas and timesteps of the reference's scheduler under configurations other than the published one too."""

import json
import pathlib

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler

PUBLISHED = dict(
    base_image_seq_len=256, base_shift=0.5, max_image_seq_len=8192, max_shift=0.9, num_train_timesteps=1000, shift=1.0,
    shift_terminal=False, time_shift_type="linear", use_dynamic_shifting=True)
CONFIGURATIONS = (
    PUBLISHED,
    PUBLISHED | dict(time_shift_type="exponential"),
    PUBLISHED | dict(time_shift_type="exponential", shift_terminal=0.02),
    PUBLISHED | dict(shift_terminal=0.05),
    PUBLISHED | dict(use_dynamic_shifting=False, shift=3.0),
    PUBLISHED | dict(num_train_timesteps=500),
)
STEPS = (1, 4, 20)
CONDITION_TOKENS = (24, 1600, 4096)


def schedule(configuration: dict, steps: int, condition_tokens: int) -> dict:
    """One schedule as the pipeline sets it: `mu` from the condition's tokens, sigmas evenly down from 1."""
    scheduler = FlowMatchEulerDiscreteScheduler(**configuration)
    mu = (condition_tokens / 256) ** 0.5
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 0, steps + 1)[:-1], mu=mu)
    return dict(
        configuration=configuration, steps=steps, condition_tokens=condition_tokens,
        sigmas=scheduler.sigmas.tolist(), timesteps=scheduler.timesteps.tolist())


def write_schedules(path: pathlib.Path):
    schedules = [
        schedule(configuration, steps, tokens)
        for configuration in CONFIGURATIONS for steps in STEPS for tokens in CONDITION_TOKENS
    ]
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in schedules) + "\n]\n")
