"""The texts of refusals about the sealed log."""

from __future__ import annotations

PROOF: dict[str, tuple[str, ...]] = {
    "note_invalid": ("这不是本账目签过名的指纹。请重新取一份，或核对公钥。",),
    "log_size_unknown": (
        "账目现在有 {most} 条，没有到 {size} 条。请用不超过 {most} 的数再问。",
        "账目没有到这个条数。请用已公布的指纹里的条数再问。",
    ),
    "not_sealed": ("这一条还没有封进账目，几秒钟后就会。请稍后再问。",),
}
