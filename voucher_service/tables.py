"""Every feature's tables, for migrations and their comparison with the models."""

from voucher_service.alarms import tables as alarms
from voucher_service.approvals import tables as approvals
from voucher_service.audit import tables as audit
from voucher_service.backup import tables as backup
from voucher_service.budgets import tables as budgets
from voucher_service.campaigns import tables as campaigns
from voucher_service.causal import tables as causal
from voucher_service.disputes import tables as disputes
from voucher_service.finance_pack import tables as finance_pack
from voucher_service.goods import tables as goods
from voucher_service.identity import tables as identity
from voucher_service.infra import files, idempotency, outbox, sessions
from voucher_service.infra.database import Base
from voucher_service.ledger import tables as ledger
from voucher_service.lotteries import tables as lotteries
from voucher_service.merchants import onboarding_tables as onboarding
from voucher_service.merchants import tables as merchants
from voucher_service.notices import tables as notices
from voucher_service.pledges import tables as pledges
from voucher_service.proof import tables as proof
from voucher_service.pushes import tables as pushes
from voucher_service.reconciliation import tables as reconciliation
from voucher_service.reconciliation.differences import tables as differences
from voucher_service.redemption import tables as redemption
from voucher_service.reports import tables as reports
from voucher_service.settlement import tables as settlement
from voucher_service.stops import tables as stops
from voucher_service.tills import tables as tills
from voucher_service.tradein import tables as tradein
from voucher_service.tradein.applications import tables as applications
from voucher_service.tradein.review import tables as sale_reviews
from voucher_service.tradein.revisions import tables as revisions
from voucher_service.tradein.risk import tables as risk
from voucher_service.tradein.sales import tables as sales
from voucher_service.vouchers import refusals
from voucher_service.vouchers import tables as vouchers
from voucher_service.webhooks import tables as webhooks

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "alarms",
    "applications",
    "approvals",
    "audit",
    "backup",
    "budgets",
    "campaigns",
    "causal",
    "differences",
    "disputes",
    "files",
    "finance_pack",
    "goods",
    "idempotency",
    "identity",
    "ledger",
    "lotteries",
    "merchants",
    "notices",
    "onboarding",
    "outbox",
    "pledges",
    "proof",
    "pushes",
    "reconciliation",
    "redemption",
    "refusals",
    "reports",
    "revisions",
    "risk",
    "sale_reviews",
    "sales",
    "sessions",
    "settlement",
    "stops",
    "tills",
    "tradein",
    "vouchers",
    "webhooks",
]
