"""Review of sales: evidence, batches with samples, what may be paid, and the order of queues."""
