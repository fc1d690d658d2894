"""Makes what diffusers gives for golden checkpoints with its first block cache.

    .venv/bin/pip install -r tools/requirements-goldens.txt
    .venv/bin/python tools/make_cache_goldens.py [--out Tests/QwenImageTests/Fixtures/golden]

The checkpoints are those of tools/make_goldens.py, which must be there. OUT/caches/NAME has what a case of that script
has, and in golden.json the threshold and how many passes through the transformer were spared. A case whose decisions
hang on rounding is refused.
"""

import dataclasses
import pathlib

from diffusers import FirstBlockCacheConfig
from diffusers.hooks import first_block_cache

import make_goldens

LEAST_MARGIN = 0.01


@dataclasses.dataclass(frozen=True)
class CacheCase:
    """A case of make_goldens, and the cache's threshold."""

    case: make_goldens.Case
    threshold: float


CASES = (
    CacheCase(make_goldens.Case("guided", "tiny", "rgb", (72, 64), 64, layers=2, steps=8, seed=21), 0.72),
    CacheCase(
        make_goldens.Case("unguided", "small", "rgba", (64, 80), 64, layers=2, steps=10, seed=22, negative_prompt=None),
        0.8),
)


class Decisions:
    """Listens to the cache: how much the first block's part had changed at each pass that could have been spared."""

    def __init__(self, threshold: float):
        self.threshold = threshold
        self.changes = []
        self._decide = first_block_cache.FBCHeadBlockHook._should_compute_remaining_blocks

    def __enter__(self):
        def decide(hook, residual):
            former = hook.state_manager.get_state().head_block_residual
            if former is not None:
                self.changes.append(float((residual - former).abs().mean() / former.abs().mean()))
            return self._decide(hook, residual)

        first_block_cache.FBCHeadBlockHook._should_compute_remaining_blocks = decide
        return self

    def __exit__(self, *_):
        first_block_cache.FBCHeadBlockHook._should_compute_remaining_blocks = self._decide

    @property
    def spared(self) -> int:
        return sum(change <= self.threshold for change in self.changes)

    @property
    def margin(self) -> float:
        return min(abs(change / self.threshold - 1) for change in self.changes)


def run(cached: CacheCase, out: pathlib.Path, **described) -> Decisions:
    """Runs a case with the cache and writes what it gave."""
    folder = out / "caches" / cached.case.name
    pipeline = make_goldens.load_pipeline(out / "checkpoints" / cached.case.checkpoint)
    make_goldens.empty(folder)
    pipeline.transformer.enable_cache(FirstBlockCacheConfig(threshold=cached.threshold))
    with Decisions(cached.threshold) as decisions:
        make_goldens.write_case(cached.case, folder, pipeline, first_block_cache=cached.threshold, **described)
    return decisions


def write(cached: CacheCase, out: pathlib.Path):
    """Two runs: how many passes are spared is known after the first."""
    decisions = run(cached, out)
    if decisions.margin < LEAST_MARGIN or not 0 < decisions.spared < len(decisions.changes):
        raise SystemExit(f"{cached.case.name}: another threshold, please: {decisions.changes}")
    run(cached, out, reused_passes=decisions.spared)
    print(f"{cached.case.name}: {decisions.spared} of {len(decisions.changes)} spared, margin {decisions.margin:.3f}")


if __name__ == "__main__":
    make_goldens.write_all("Make what diffusers gives with its first block cache.", CASES, write)
