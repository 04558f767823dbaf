"""What merchants, banks and platforms promised to add to a programme."""
