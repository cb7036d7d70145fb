"""What the scenarios stand on: images, virtual machines, guests."""
