"""Matrix: pages in rooms, and what people write there."""
