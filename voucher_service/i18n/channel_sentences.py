"""The texts of the refusals about large files and files that are expected, by code."""

from __future__ import annotations

CHANNELS: dict[str, tuple[str, ...]] = {
    "channel_uploads_waiting": (
        "没有收下：已经有 {most} 份大账单在等着读。请等其中一份读完再传。",
        "没有收下：等着读的大账单太多。请等其中一份读完再传。",
    ),
    "storage_full": (
        "没有收下：服务器上放文件的地方不够，一点也没有存。请告诉系统管理员，腾出地方以后再传。",
    ),
    "storage_away": (
        "没有收下：服务器上放文件的地方现在连不上，一点也没有存。请告诉系统管理员，稍后再传。",
    ),
    "length_required": (
        "没有收下：请求没有写明长度，传断了会看不出来。请带上 Content-Length 再传。",
    ),
    "channel_days_invalid": (
        (
            "没有收下：账期不对，一行也没有存。账期要已经到了，最后一天不早于第一天，"
            "一份账单最多 {most} 天。请改好再传。"
        ),
        "没有收下：账期不对，一行也没有存。请改好再传。",
    ),
    "channel_file_expected": ("没有再设定：这种账单已经设定了每天要来。要改，先停掉原来的。",),
    "channel_expectation_days": (
        "没有改：最后一天要在第一天到昨天之间，而且原来没有停过。请重新填。",
    ),
    "channel_upload_lost": ("没有收下：传上来的文件不见了，可能是服务器换过。请再传一次。",),
    "channel_upload_broken": (
        "没有收下：读了三次都中断了，一行也没有存。请告诉系统管理员查看日志，再传一次。",
    ),
}
