"""The guard: looks at what git is about to take and stops plaintext (product contract §6).

It stands beside the rest of vsync: it imports the standard library and itself only, and on
the way a clean commit takes not even `re`, because it runs at every commit.
"""
