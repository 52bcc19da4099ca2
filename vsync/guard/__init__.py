"""The guard: looks at what git is about to take and stops plaintext (product contract §6).

It stands beside the rest of vsync: it imports the standard library and itself only. Because it
runs at every commit, the way of a clean one imports neither `re` nor `os`, and what only a
finding needs is imported where there is one (docs/adr/0009).
"""
