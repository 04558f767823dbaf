"""What a claim and a redemption cost over HTTP, beside empty Flask and plain rivals."""
