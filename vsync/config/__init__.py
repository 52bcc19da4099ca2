"""The committed configuration: found, read, checked, selected from, edited (product contract §2)."""
