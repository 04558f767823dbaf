"""The texts of refusals to merchants' own systems: signatures, keys, addresses to tell."""

from __future__ import annotations

POS: dict[str, tuple[str, ...]] = {
    "signature_missing": (
        "没有处理：请求没有签名，或签名的 tag 不对。请按 RFC 9421 签名，tag 用 voucher-pos，再发。",
    ),
    "signature_invalid": (
        (
            "没有处理：签名对不上。请核对所签的内容（reason 和 signature_base 里有说明）和私钥，"
            "重新签名再发。"
        ),
    ),
    "signature_expired": (
        "没有处理：签名的时间和我们的时钟相差超过 {seconds} 秒。请校准收银机的时间，重新签名再发。",
        "没有处理：签名的时间和我们的时钟相差太多。请校准收银机的时间，重新签名再发。",
    ),
    "signature_replayed": (
        (
            "没有处理：这个 nonce 刚用过。请换新的 nonce 重新签名再发，"
            "Idempotency-Key 不变就不会重复。"
        ),
    ),
    "digest_mismatch": (
        "没有处理：Content-Digest 和正文对不上。请用发出的正文重新算 sha-256，重新签名再发。",
    ),
    "key_unknown": (
        "没有处理：没有这个密钥，或它已停用。请用店长在“收银系统”登记的编号（keyid），或重新登记。",
    ),
    "public_key_invalid": (
        "没有登记：这不是 Ed25519 公钥。请粘贴 PEM、JWK，或 32 字节的 base64。",
    ),
    "private_key_sent": (
        (
            "没有登记，也没有保存：您粘贴的是私钥。私钥只留在收银机里；这一把请不要再用，换一把新的，"
            "只粘贴公钥。"
        ),
    ),
    "public_key_taken": ("没有登记：这把公钥已经登记过。每台收银机用自己的密钥，请换一把新的。",),
    "webhook_url_refused": (
        "没有登记：这个网址不能用。请用 https 开头、外网能打开的域名，不用 IP 地址和内网名字。",
    ),
    "webhook_limit": (
        "没有登记：一家店最多 {most} 个网址。请先去掉一个。",
        "没有登记：网址够多了。请先去掉一个。",
    ),
    "till_key_limit": (
        "没有登记：这台收银机已有 {most} 把有效的密钥。请先停用一把，再登记新的。",
        "没有登记：这台收银机的密钥够多了。请先停用一把，再登记新的。",
    ),
}
