"""Files come from strangers: whatever is in them, one clear sentence comes of it, soon, and nothing else.

Each test draws the same examples every time, few enough for every day. ``DREAMVIDEO_EXAMPLES=50 pytest tests/hostile``
draws fifty times as many, others among them, for a long look.
"""
