"""From a backup to running books: restored, recovered to an instant, checked, and rehearsed."""
