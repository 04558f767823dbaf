"""Verifiable lotteries (摇号): who may claim an offer, drawn so that anybody can check it."""
