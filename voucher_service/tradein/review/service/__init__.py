"""Use cases of review: papers from shops, batches by a job, looks by reviewers, release by two."""

from .batching import batch_due
from .cars import Waiting, car_queue, make_car_batch, pass_car_batch
from .deciding import judge, propose
from .handing_in import (
    Filter,
    answer,
    hand_in,
    mine,
    own,
    own_cash_times,
    own_proof,
    wanting,
)
from .opening import close_undone, open_due
from .reading import Dossier, batch, dossier, proof, queue, released, waiting
from .times import cash_times

__all__ = [
    "Dossier",
    "Filter",
    "Waiting",
    "answer",
    "batch",
    "batch_due",
    "car_queue",
    "cash_times",
    "close_undone",
    "dossier",
    "hand_in",
    "judge",
    "make_car_batch",
    "mine",
    "open_due",
    "own",
    "own_cash_times",
    "own_proof",
    "pass_car_batch",
    "proof",
    "propose",
    "queue",
    "released",
    "waiting",
    "wanting",
]
