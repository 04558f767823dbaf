"""What the system noticed by itself and somebody must look at; some of it stops payouts."""
