"""Any number of photos becomes shards of answers: on this machine, or with Ray Data on many.

sources.py   which photos does a user mean?
lists.py     which does a text file or a Parquet file list?
remote.py    how is a file opened that is not on this machine's disks?
listing.py   the list on disk: each path once, cut into portions
fetch.py     how does a portion become photos?
answer.py    how do photos become answers? The same stage for both engines
shards.py    one portion's answers on disk, whole or not at all
on_ray.py    the stage inside actors; needs the extra `cluster`
summary.py   what do all shards say?
classify.py  the run
"""
