#!/usr/bin/env python3
"""Writes Tests/QwenImageTests/Fixtures/scheduler/schedules.json.

Needs diffusers==0.42.1, torch and numpy. The sigmas and timesteps are those of diffusers, stored as the bits of
float32, so that a comparison can be exact.
"""

import json
import pathlib

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests/QwenImageTests/Fixtures/scheduler/schedules.json"

LAYERED = {
    "base_image_seq_len": 256, "base_shift": 0.5, "invert_sigmas": False, "max_image_seq_len": 8192,
    "max_shift": 0.9, "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": False,
    "stochastic_sampling": False, "time_shift_type": "linear", "use_beta_sigmas": False,
    "use_dynamic_shifting": True, "use_exponential_sigmas": False, "use_karras_sigmas": False,
}


def bits(values):
    return np.asarray(values, dtype=np.float32).view(np.uint32).tolist()


def record(cases, name, config, steps, mu, given):
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    if given == "default":
        sigmas = np.linspace(1.0, 0, steps + 1)[:-1]
    elif given == "count":
        sigmas = None
    else:
        sigmas = given
    scheduler.set_timesteps(None if sigmas is not None else steps, sigmas=sigmas, mu=mu)
    cases.append({
        "name": name, "config": config, "steps": steps, "mu": mu,
        "start": given if isinstance(given, str) else "given", "given": [] if isinstance(given, str) else given,
        "sigmas": bits(scheduler.sigmas), "timesteps": bits(scheduler.timesteps),
    })


def main():
    cases = []
    for steps in (1, 2, 3, 4, 8, 20, 50):
        for tokens in (16, 100, 1600, 4096):
            record(cases, f"layered {steps} steps {tokens} tokens", LAYERED, steps, (tokens / 256) ** 0.5, "default")
    for steps in (1, 4, 7, 50):
        record(cases, f"layered count {steps}", LAYERED, steps, 2.5, "count")
    variants = {
        "exponential shift": {"time_shift_type": "exponential"},
        "terminal": {"shift_terminal": 0.02},
        "exponential terminal": {"time_shift_type": "exponential", "shift_terminal": 0.1},
        "terminal null": {"shift_terminal": None},
        "constant shift": {"use_dynamic_shifting": False, "shift": 3.0},
        "constant shift terminal": {"use_dynamic_shifting": False, "shift": 1.7, "shift_terminal": 0.05},
        "inverted": {"invert_sigmas": True},
        "karras": {"use_karras_sigmas": True},
        "exponential sigmas": {"use_exponential_sigmas": True},
        "karras constant": {"use_karras_sigmas": True, "use_dynamic_shifting": False, "shift": 2.0},
        "500 train steps": {"num_train_timesteps": 500},
        "777 train steps constant": {"num_train_timesteps": 777, "use_dynamic_shifting": False, "shift": 2.25},
    }
    for name, change in variants.items():
        for steps in (2, 9):
            for mu in (0.6, 2.5):
                for given in ("default", "count"):
                    record(cases, f"{name} {given} {steps} steps mu {mu}", {**LAYERED, **change}, steps, mu, given)
    record(cases, "given sigmas", LAYERED, 4, 1.3, [1.0, 0.8123, 0.4, 0.0731])
    record(cases, "empty configuration", {}, 6, None, "default")
    record(cases, "empty configuration count", {}, 6, None, "count")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(len(cases), OUT.stat().st_size)


main()
