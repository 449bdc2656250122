"""From a photo to the crops of its faces.

    detect.py    which faces does one image show, at its own scale?
    search.py    at which sizes and in which rotation does a photo show faces?
    upright.py   how is a rotated photo turned, and a box taken back to it?
    frame.py     how is it fitted on ready crops where a crop lies?
    crop.py      how are the pixels of a crop cut out?
    extract.py   all of it, for one photo

A *box* is the detector's, around the face from forehead to chin. A *crop* is the picture of a face
that the model sees. A *frame* says where the crop lies around the box.
"""
