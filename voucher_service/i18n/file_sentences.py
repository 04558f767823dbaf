"""The texts of the refusals of files that people hand in."""

from __future__ import annotations

FILES: dict[str, tuple[str, ...]] = {
    "file_refused": ("没有收下：只收清楚的照片（JPEG、PNG）或 PDF。请换一份再交。",),
    "file_damaged": ("没有收下：文件打不开，或者不完整。请重新拍照或重新导出，再交一次。",),
    "file_too_demanding": ("没有收下：文件太复杂，打不开。请改交清楚的照片。",),
    "picture_too_large": ("没有收下：照片的像素太多。请把相机调到 2000 万像素以下再拍。",),
    "pdf_too_long": ("没有收下：PDF 的页数太多。请只留要用的几页。",),
    "pdf_locked": ("没有收下：PDF 要密码才能打开。请去掉密码，或改交照片。",),
    "pdf_form": ("没有收下：这是要用专门软件填的表单。请先打印成 PDF，或改交照片。",),
    "file_too_large": (
        "没有收下：文件超过 {most} MB。请拍小一点，或压缩后再交。",
        "没有收下：文件太大。请拍小一点，或压缩后再交。",
    ),
}
