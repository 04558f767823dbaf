"""The texts of refusals about outcome data from outside."""

from __future__ import annotations

OUTCOMES: dict[str, tuple[str, ...]] = {
    "outcome_file_invalid": (
        "这个结果文件有错，整个文件都没有导入。请照列出的行改好再导入，或请对方重新导出。",
    ),
    "outcome_file_repeated": ("这个文件已经导入过，没有再导入。要更新就导入新的文件。",),
}
