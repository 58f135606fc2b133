"""What the product runs on: the cloud's resources, and the local host."""
