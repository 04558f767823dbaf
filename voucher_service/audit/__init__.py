"""Who did what to which thing, when. The only writer of a status."""
