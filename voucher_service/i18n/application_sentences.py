"""What is said when an application for the subsidy of a car is refused, by code."""

APPLICATIONS: dict[str, tuple[str, ...]] = {
    "application_incomplete": ("还没提交：有的内容或材料没交全。填好的都存着，请接着填。",),
    "application_ineligible": ("没有提交：照填的情况不能补。请看列出的每一条，填错了就改。",),
    "vehicle_taken": (
        "没有提交：这辆车、这张发票或证明已经在另一份申请里。不是您办的，请打 12345。",
    ),
    "units_taken": (
        "没有提交：{year} 年这项补贴每人 {units} 辆，您已经有一份申请。",
        "没有提交：这项补贴您今年已经有一份申请。",
    ),
    "pool_short": (
        "没有办：资金池里的钱不够，还差 {short}，什么也没有改变。请先请经办追加资金，或不予通过。",
        "没有办：资金池里的钱不够，什么也没有改变。请先请经办追加资金，或不予通过。",
    ),
    "correction_late": ("没有提交：补正的最后一天已经过了，这份申请作废。有疑问请打 12345。",),
    "corrections_closed": ("没有退回：政策的补正期限已经过了，只能通过或不予通过。",),
    "own_application": ("没有办：不能审自己的申请，同名的也请交给同事。",),
    "area_unserved": ("没有保存：请选开发票的市、县。",),
}
