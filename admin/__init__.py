"""The admin face: the bureau's planners, approvers, finance and auditors."""
