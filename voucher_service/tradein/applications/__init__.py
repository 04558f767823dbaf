"""Subsidies for cars, asked for with papers: filed by a resident, checked twice, noticed, paid."""
