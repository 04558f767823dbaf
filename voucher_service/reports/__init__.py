"""Read side: joins anyone's tables, writes none. Figures come from reconciliation's rollups."""
