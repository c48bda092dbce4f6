"""What anybody may read: the offer, the pool, a calculator, the publicity list."""
