"""The results as JSON and as the table of docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .checks import Tally
from .measure import Measured
from .plan import Plan

# Each ratio is median ÷ median.
_RATIOS = {
    "claim_vs_empty_flask": ("claim", "empty_flask"),
    "claim_vs_empty_flask_with_token": ("claim", "empty_flask_with_token"),
    "claim_vs_row_lock": ("claim", "baseline_row_lock"),
    "claim_vs_redis_lock": ("claim", "baseline_redis_lock"),
    "claim_vs_lua_sync": ("claim", "baseline_lua_sync"),
    "qualification_claim_vs_empty_flask": ("qualification_claim", "empty_flask"),
    "sold_out_vs_empty_flask": ("sold_out", "empty_flask"),
    "sold_out_remembered_vs_empty_flask": ("sold_out_remembered", "empty_flask"),
    "redeem_vs_empty_flask": ("redeem", "empty_flask"),
    "redeem_vs_naive": ("redeem", "redeem_naive"),
    "ledger_post_vs_insert": ("ledger_post", "baseline_ledger_insert"),
}
_BEGIN, _END = "<!-- table: begin -->", "<!-- table: end -->"


def results(
    plan: Plan,
    machine: Mapping[str, str | int],
    fsync_us: float,
    durable: Mapping[str, str],
    measured: Mapping[str, Measured],
    tally: Tally,
) -> dict[str, Any]:
    """Everything of a run, as it is written to `benchmarks/results/latest.json`."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(machine),
        "fsync_us": fsync_us,
        "settings": {
            **durable,
            "processes": plan.processes,
            "threads": list(plan.threads),
            "connections": list(plan.connections),
            "window_seconds": plan.window_seconds,
            "repetitions": plan.repetitions,
            "residents": plan.residents,
        },
        "checks": asdict(tally),
        "rows": {name: _row(one) for name, one in measured.items()},
        "ratios": {
            name: round(measured[over].median / measured[under].median, 3)
            for name, (over, under) in {**_RATIOS, **_growth(plan)}.items()
            if measured.keys() >= {over, under}
        },
    }


def _growth(plan: Plan) -> dict[str, tuple[str, str]]:
    """Each longer row beside the shortest of its kind."""
    first = f"claim_after_{plan.issued[0]}_issued" if plan.issued else ""
    return (
        {
            f"claim_after_{count}_issued_vs_{plan.issued[0]}": (
                f"claim_after_{count}_issued",
                first,
            )
            for count in plan.issued[1:]
        }
        | {
            f"ledger_balance_at_{count}_vs_{plan.books[0]}": (
                f"ledger_balance_at_{count}",
                f"ledger_balance_at_{plan.books[0]}",
            )
            for count in plan.books[1:]
        }
        | {
            f"claim_of_{count}_offers_vs_claim": (f"claim_of_{count}_offers", "claim")
            for count in plan.at_once
        }
    )


def _row(one: Measured) -> dict[str, Any]:
    row: dict[str, Any] = {
        "median": round(one.median, 1),
        "min": round(min(one.rates), 1),
        "max": round(max(one.rates), 1),
        "unit": "1/s",
        "connections": one.setting.connections,
        "threads": one.setting.threads,
        "p50_ms": round(one.p50_ms, 2),
        "p99_ms": round(one.p99_ms, 2),
        "wrk_cpu_share": round(one.cpu_share, 3),
    }
    if one.setting.pool:
        row["pool"] = one.setting.pool
    if one.half:
        row["half_load_p50_ms"], row["half_load_p99_ms"] = (round(ms, 2) for ms in one.half)
    if one.gate_bytes is not None:
        row["gate_bytes_per_claim"] = round(one.gate_bytes, 1)
    return row


def save(found: Mapping[str, Any], file: Path) -> None:
    """Write the JSON, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    draft.replace(file)


def put_into(page: Path, found: Mapping[str, Any]) -> None:
    """Replace the table of a page, between its two marks."""
    text = page.read_text("utf-8")
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{_BEGIN}\n{table(found)}\n{_END}{tail}", "utf-8")


def table(found: Mapping[str, Any]) -> str:
    """Rows, ratios and what they were measured on, as Markdown."""
    machine, settings, checks = found["machine"], found["settings"], found["checks"]
    lines = [
        (
            f"{found['at']} · {machine['processor']}, {machine['cores']} cores, "
            f"{machine['memory_mib']} MiB · Python {machine['python']} · "
            f"{settings['processes']} processes · {settings['repetitions']} windows of "
            f"{settings['window_seconds']} s · one flush {found['fsync_us']} µs · "
            f"fsync {settings['fsync']}, synchronous_commit {settings['synchronous_commit']}, "
            f"full_page_writes {settings['full_page_writes']}"
        ),
        "",
        "| row | 1/s, median | min – max | connections | threads | pool | p50 ms | p99 ms | wrk |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, row in found["rows"].items():
        lines.append(
            f"| `{name}` | {row['median']:,.0f} | {row['min']:,.0f} – {row['max']:,.0f} "
            f"| {row['connections']} | {row['threads']} | {row.get('pool', '')} "
            f"| {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['wrk_cpu_share']:.0%} |"
        )
    lines += ["", "| ratio of medians | |", "|---|--:|"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in found["ratios"].items()]
    half = [
        f"`{name}` {row['half_load_p50_ms']:.1f} / {row['half_load_p99_ms']:.1f} ms"
        for name, row in found["rows"].items()
        if "half_load_p50_ms" in row
    ]
    claim = found["rows"]["claim"]
    lines += [
        "",
        (
            f"At half load, p50 / p99: {', '.join(half)}. "
            f"The gate grew by {claim.get('gate_bytes_per_claim', 0):.0f} bytes per claim."
        ),
        (
            f"Acknowledged {checks['acknowledged']:,} claims, found {checks['rows_in_db']:,} rows; "
            f"{checks['asked_again']:,} were cut off by the end of a window and asked again."
        ),
    ]
    return "\n".join(lines)
