"""What happened to orders, told to merchants' own systems."""
