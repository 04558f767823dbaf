"""How reviews are told to people: papers, how far a sale is, how a batch is looked at."""

from __future__ import annotations

from collections.abc import Mapping

from voucher_service.i18n import gettext, mark

from .model import BATCH_PUBLIC, PUBLIC, BatchStatus, ProofKind, ReviewStatus, Way

PROOFS: Mapping[ProofKind, str] = {
    ProofKind.INVOICE: mark("发票"),
    ProofKind.UNBOXING: mark("当面拆箱照片"),
    ProofKind.ACTIVATION: mark("开机激活照片"),
    ProofKind.NAMEPLATE: mark("铭牌（序列号）照片"),
    ProofKind.DELIVERY: mark("送货单"),
    ProofKind.HANDOVER: mark("旧机交接单"),
}
NOTES: Mapping[ProofKind, str] = {
    ProofKind.INVOICE: mark("抬头是领补贴的人本人，一台一张，写明型号和序列号。"),
    ProofKind.UNBOXING: mark("在店里当面拆箱，拍到包装上的序列号。"),
    ProofKind.ACTIVATION: mark("开机联网激活后，拍到屏幕上的 IMEI 或序列号。"),
    ProofKind.NAMEPLATE: mark("装好或交货时拍机身铭牌，型号和序列号要看得清。"),
    ProofKind.DELIVERY: mark("有送货日期和顾客签名。"),
    ProofKind.HANDOVER: mark("写明收走的旧机是什么，有顾客签名。"),
}
WAYS: Mapping[Way, str] = {
    Way.SAMPLE: mark("抽样"),
    Way.EACH: mark("逐笔"),
}


def proof(kind: ProofKind, locale: str) -> str:
    """The name of a paper."""
    return gettext(PROOFS[kind], locale)


def note(kind: ProofKind, locale: str) -> str:
    """What a paper must show."""
    return gettext(NOTES[kind], locale)


def status(word: ReviewStatus, locale: str) -> str:
    """How far a sale is."""
    return gettext(PUBLIC[word], locale)


def batch_status(word: BatchStatus, locale: str) -> str:
    """Where a batch stands."""
    return gettext(BATCH_PUBLIC[word], locale)


def way(word: Way, locale: str) -> str:
    """How a batch is looked at."""
    return gettext(WAYS[word], locale)
