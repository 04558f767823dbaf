"""What `make run` shows: the demo, and one hundredth of Yangjiang 2023 beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voucher_service import demo
from voucher_service.infra import core as core_module
from voucher_service.replay import driver
from voucher_service.serving import Login
from voucher_service.settings import Settings

PROGRAMME = "yangjiang-2023"
SCALE = "0.01"
SEED = 1
_DONE = "showcase-loaded"


def load(settings: Settings, data: Path) -> Sequence[Login]:
    """Load what is missing; at a later start that is nothing. Names the demo's logins."""
    done = data / _DONE
    if not done.exists():
        core = core_module.build(settings)
        try:
            demo.load(core)
            wanted = driver.prepare(PROGRAMME, scale=SCALE, seed=SEED)
            driver.run(core, settings, wanted, data, resume=True)
        finally:
            core.close()
        done.touch()
    return demo.logins()
