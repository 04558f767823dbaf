"""The worker and the schedule: they take a job, call one service and note the end."""
