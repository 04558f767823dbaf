"""Claims under faults, simulated: the product's own flows and scripts on servers made of memory.

One seed is one history: several processes, residents who ask again, a reaper, a watch, and faults
at any step. An auditor that knows nothing of the flows reads what residents were told and what the
books hold. Everything of a history follows from its seed.
"""
