"""The sealed log: a Merkle tree over what was recorded and moved, its heads and its proofs."""
