"""Short messages that tell residents of something good that happened without them."""
