"""Settings: TOML files, then the environment, then secrets from files. Unknown keys are an error.

`config/default.toml` holds every key with its meaning and unit; `config/<VOUCHER_ENV>.toml` changes
some; `VOUCHER__SECTION__KEY` changes one more; `VOUCHER__SECTION__KEY_FILE` names a file that holds
the value.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_type_hints

from .settings_reading import SettingsError as SettingsError  # noqa: PLC0414 - its name to all
from .settings_reading import apply_environment, merge, section

CONFIG = Path(__file__).resolve().parent.parent / "config"
ENVIRONMENTS = ("development", "test", "production")


@dataclass(frozen=True)
class Database:
    """PostgreSQL."""

    url: str
    owner_url: str
    pool_size: int
    statement_timeout_ms: int
    lock_timeout_ms: int
    backup_url: str
    backup_hours: int


@dataclass(frozen=True)
class Gate:
    """The Redis that hands out slots."""

    url: str
    timeout_ms: int
    degraded_after_ms: int
    steady_ms: int


@dataclass(frozen=True)
class Queue:
    """The Redis that rings the worker, and the list of jobs."""

    url: str
    lease_seconds: int
    sweep_seconds: int


@dataclass(frozen=True)
class Secrets:
    """Keys; development values are refused in production."""

    token_key: str
    code_keys: str
    field_keys: str
    lookup_keys: str
    ledger_keys: str
    webhook_keys: str
    log_keys: str
    backup_keys: str


@dataclass(frozen=True)
class Proof:
    """The sealed log: the name that its heads carry, for ever; where they go besides the page."""

    origin: str
    file: str
    witness_url: str
    witness_key: str


@dataclass(frozen=True)
class SignIn:
    """Tokens, one-time codes and what is too often."""

    token_ttl_seconds: int
    code_ttl_seconds: int
    code_attempts: int
    codes_per_hour: int
    failures_per_quarter_hour: int


@dataclass(frozen=True)
class Till:
    """Voucher codes and orders."""

    code_window_seconds: int
    bad_codes_per_minute: int
    max_order_fen: int
    freeze_seconds: int
    reversal_minutes: int
    one_step_fen: int
    paper_max_fen: int
    refund_manager_fen: int
    unit_price_cut_bps: int


@dataclass(frozen=True)
class Pos:
    """Merchants' own systems: what they sign, and what is told them."""

    origin: str
    clock_seconds: int
    nonce_minutes: int
    keys_per_till: int
    webhook_loopback: str
    webhook_hours: int
    webhook_days: int


@dataclass(frozen=True)
class Books:
    """What shops and their tills' books are told and given time for."""

    dispute_days: int


@dataclass(frozen=True)
class Matching:
    """Files of payment channels and tills, and the differences in them."""

    file_limit_bytes: int
    most_differences: int
    unlike_bps: int
    difference_days: int
    folder: str
    most_waiting: int


@dataclass(frozen=True)
class Waiting:
    """Lines and puzzles before a claim, for the offers that have them."""

    lobby_minutes: int
    draw_seconds: int
    per_second: int
    wave_seconds: int
    longest_poll_seconds: int
    proof_numbers: int
    proof_seconds: int


@dataclass(frozen=True)
class Limits:
    """What is too often."""

    resident_per_minute: int
    resident_burst: int
    device_per_minute: int
    device_burst: int
    network_per_second: int
    network_burst: int
    device_codes_per_hour: int
    network_codes_per_minute: int


@dataclass(frozen=True)
class Budgets:
    """When somebody should look after a budget."""

    low_bps: int


@dataclass(frozen=True)
class Sms:
    """Short messages."""

    adapter: str
    outbox: str


@dataclass(frozen=True)
class Verification:
    """Real-name verification."""

    adapter: str


@dataclass(frozen=True)
class Approvals:
    """How many people sign, and how long a proposal waits for them."""

    second_signature_above_fen: int
    third_signature_above_fen: int
    split_window_days: int
    lapse_days: int
    discount_alert_bps: int


@dataclass(frozen=True)
class Canary:
    """How an offer's first slice is opened, and what stops it. Shares in basis points."""

    from_fen: int
    share_bps: int
    least: int
    seconds: int
    claims: int
    orders: int
    discount_bps: int
    refused_bps: int
    spent_bps: int
    device_bps: int
    network_bps: int
    new_bps: int
    new_minutes: int


@dataclass(frozen=True)
class Web:
    """The faces."""

    port: int
    threads: int
    body_limit_bytes: int
    proxies: int


@dataclass(frozen=True)
class Desk:
    """Staff at the admin face."""

    origin: str
    fresh_factor_seconds: int
    personal_reads_per_hour: int


@dataclass(frozen=True)
class Onboarding:
    """How merchants come in, and change where their money goes."""

    file_limit_bytes: int
    account_cooling_hours: int


@dataclass(frozen=True)
class Goods:
    """Filed prices, and from which rise on a price is suspected."""

    raise_days: int
    month_days: int
    quarter_days: int
    raised_bps: int
    raised_in_quarter_bps: int
    above_city_bps: int


@dataclass(frozen=True)
class Applications:
    """How long the steps of an application for a car may take, and how long its papers are kept."""

    accept_days: int
    review_days: int
    pay_days: int
    correction_days: int
    reminder_days: int
    keep_refused_days: int
    keep_granted_days: int


@dataclass(frozen=True)
class Review:
    """How sales are looked at before their subsidy is paid. Shares in basis points."""

    evidence_days: int
    answer_days: int
    period_days: int
    hold_weight: int
    tolerated_bps: int
    confidence_bps: int
    widenings: int
    pass_together: int


@dataclass(frozen=True)
class Settlement:
    """When merchants are paid, how long they see it before, and from which account; how much one
    may be ahead; to which account residents give subsidies back.
    """

    draft_hour: int
    statement_hours: int
    advance_most_fen: int
    payer_account: str
    payer_name: str
    purpose: str
    return_account: str
    return_name: str


@dataclass(frozen=True)
class Settings:
    """Everything that is set from outside, by section."""

    env: str
    database: Database
    gate: Gate
    queue: Queue
    secrets: Secrets
    sign_in: SignIn
    till: Till
    books: Books
    matching: Matching
    pos: Pos
    waiting: Waiting
    limits: Limits
    budgets: Budgets
    sms: Sms
    verification: Verification
    approvals: Approvals
    canary: Canary
    web: Web
    desk: Desk
    onboarding: Onboarding
    proof: Proof
    goods: Goods
    applications: Applications
    review: Review
    settlement: Settlement

    @property
    def production(self) -> bool:
        """Whether development secrets and logins must be refused."""
        return self.env == "production"


def load(environ: Mapping[str, str] = os.environ, config: Path = CONFIG) -> Settings:
    """Read the settings for `VOUCHER_ENV` (development unless set). Raises SettingsError."""
    env = environ.get("VOUCHER_ENV", "development")
    if env not in ENVIRONMENTS:
        raise SettingsError(f"VOUCHER_ENV is {env!r}; it is one of {', '.join(ENVIRONMENTS)}")
    values = tomllib.loads((config / "default.toml").read_text("utf-8"))
    merge(values, tomllib.loads((config / f"{env}.toml").read_text("utf-8")), f"{env}.toml")
    apply_environment(values, environ)
    hints = get_type_hints(Settings)
    sections = {
        field.name: section(hints[field.name], field.name, values.pop(field.name, {}))
        for field in fields(Settings)
        if field.name != "env"
    }
    if values:
        raise SettingsError(f"unknown sections: {', '.join(values)}")
    settings = Settings(env=env, **sections)
    if settings.production:
        _refuse_development_values(settings)
    return settings


def _refuse_development_values(settings: Settings) -> None:
    for field in fields(Secrets):
        value = getattr(settings.secrets, field.name)
        if not value or "development" in value:
            raise SettingsError(
                f"secrets.{field.name} is empty or a development value; set VOUCHER__SECRETS__"
                f"{field.name.upper()}_FILE before you start with VOUCHER_ENV=production"
            )
    for name, adapter in (
        ("sms", settings.sms.adapter),
        ("verification", settings.verification.adapter),
    ):
        if adapter == "development":
            raise SettingsError(
                f"{name}.adapter is 'development', which accepts everyone; choose a real one"
            )
    if settings.pos.webhook_loopback != "refused":
        raise SettingsError("pos.webhook_loopback is for development; leave it 'refused'")
    for name, url in (
        ("database", settings.database.url),
        ("gate", settings.gate.url),
        ("queue", settings.queue.url),
    ):
        if not url or "demo-only" in url:
            raise SettingsError(f"{name}.url is empty or has a development password")
    if not settings.matching.folder:
        raise SettingsError(
            "matching.folder is empty; set VOUCHER__MATCHING__FOLDER to a folder that the admin"
            " face and the schedule share, where large files of channels wait"
        )
