"""The texts of refusals about backups and restores: read by whoever is on duty."""

from __future__ import annotations

BACKUP: dict[str, tuple[str, ...]] = {
    "backup_not_found": (
        "{folder} 里没有合用的完整备份（{name}）。请看 voucher backup list 列出了哪些。",
        "{folder} 里没有合用的完整备份。请看 voucher backup list，或换一个更晚的时刻。",
        "没有合用的完整备份。请看 voucher backup list 列出了哪些。",
    ),
    "backup_damaged": (
        "备份文件 {file} 不完整或被改过，什么也没有恢复。请换一份备份（--backup）。",
        "备份文件不完整或被改过，什么也没有恢复。请换一份备份（--backup）。",
    ),
    "backup_wrong_key": (
        "{file} 封在第 {number} 号密钥（指纹 {fingerprint}）下，这里没有它。请加进 BACKUP_KEYS。",
        "文件是用另一把密钥封的，这里没有它。请把它加进 BACKUP_KEYS。",
    ),
    "backup_secrets_missing": (
        "这里缺少读这份账要用的密钥：{keys}。请把做备份时的密钥都配好再恢复。",
        "这里缺少读这份账要用的密钥。请把做备份时的密钥都配好再恢复。",
    ),
    "backup_schema_newer": (
        "备份的表结构是 {theirs}，程序只认到 {ours}。请用做备份时的版本或更新的版本恢复。",
        "备份的表结构比这个版本的程序新。请用做备份时的版本或更新的版本恢复。",
    ),
    "backup_server_differs": (
        "备份出自 PostgreSQL {theirs}，这里是 {ours}，打不开。请在装有 {theirs} 的机器上恢复。",
        "备份出自另一个大版本的 PostgreSQL，不能直接打开。请在同版本的机器上恢复。",
    ),
    "backup_not_ours": (
        "{folder} 里放的是另一个数据库的备份，没有写入。请给这个数据库另选一个目录。",
        "目录里放的是另一个数据库的备份，没有写入。请另选一个目录。",
    ),
    "backup_unfit": (
        "数据库的设置不支持这样备份：{reason}。请先改设置。",
        "数据库的设置不支持这样备份。请先改设置。",
    ),
    "backup_wal_missing": (
        "日志中间缺了 {segment}，什么也没有恢复。用 --at 能恢复到 {since} 至 {until}。",
        "日志中间缺了一段，接不上。什么也没有恢复。",
    ),
    "backup_instant_unreachable": (
        "恢复不到 {at}：现有的备份和日志能到达的是 {since} 至 {until}。什么也没有恢复。",
        "恢复不到那个时刻。什么也没有恢复。",
    ),
    "restore_target_in_use": (
        "{folder} 里已经有东西，没有动它。请给一个新的目录。",
        "目标目录里已经有东西，没有动它。请给一个新的目录。",
    ),
    "restore_recovery_failed": (
        "PostgreSQL 没能把日志接完，没有启用。它最后说：{reason}",
        "PostgreSQL 没能把日志接完，没有启用。",
    ),
    "backup_in_progress": (
        "另一个备份程序正在写 {folder}，这次没有做。请等它结束。",
        "另一个备份程序正在写这个目录，这次没有做。请等它结束。",
    ),
    "backup_folder_failed": (
        "备份目录读写不了：{reason} {file}。半份的已经删掉；请腾出空间或修好再做。",
        "备份目录读写不了。半份的已经删掉；请腾出空间或修好再做。",
    ),
    "backup_server_failed": (
        "数据库没有答应：{reason}。请看地址、角色（LOGIN、REPLICATION）和 pg_hba.conf。",
        "数据库没有答应。请看地址、角色（LOGIN、REPLICATION）和 pg_hba.conf。",
    ),
}
