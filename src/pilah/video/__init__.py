"""From a video to the faces that it shows, each followed through time; needs the extra `video`.

    ffmpeg.py    how is a file opened, and which files are?
    decode.py    which frames does it hold, upright, and when are they shown?
    cuts.py      which frames are looked at, and where does a scene end?
    look.py      what did one look at a frame see?
    tracks.py    which faces of several frames are one?
    pooling.py   what is the one answer about them? (pooling.json, measured by studies/pooling.py)
    follow.py    all of it, as Tracks
    journal.py   what is written down, so that a killed run can be resumed?
    tables.py    tracks.csv, frames.parquet, subtitles.srt
    drawing.py   boxes and captions, and the sheet of all tracks
    annotate.py  the video with boxes, and its sound
    write.py     all files, whole or not at all

A *still* is a frame that was looked at (a *frame*, in this package, is PyAV's, or a user's word).
"""

from pilah.journals import JOURNALS

JOURNAL = JOURNALS["video"]
"""Where the folder of a followed video has its journal."""
