"""What leaves and what arrives, durably."""
