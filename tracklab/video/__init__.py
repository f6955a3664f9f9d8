"""Frames from videos, folders and cameras, and back into videos.

`read_clip` opens any source as a `Clip`; `write` and `encode` make H.264 that a browser plays;
`read_tracks` and `write_tracks` keep what a tracker of many objects said in MOTChallenge's text,
`read_boxes` and `write_boxes` what a tracker of one said in OTB's, `read_table` and `write_table`
either in a table for spreadsheets. For what may be long or without end: `open_stream` gives frames
one by one, and a `Recorder` takes them.
"""

from tracklab.video.encoder import DEFAULT_FPS, encode, write
from tracklab.video.frames import CACHE_BYTES, camera, read_image
from tracklab.video.one_object import read_boxes, write_boxes
from tracklab.video.recorder import Recorder
from tracklab.video.results import read_tracks, write_tracks
from tracklab.video.sources import KINDS, read_annotations, read_clip, read_polygons
from tracklab.video.spreadsheet import Table, read_table, write_table
from tracklab.video.stream import Shot, Stream, open_stream

__all__ = [
    "CACHE_BYTES",
    "DEFAULT_FPS",
    "KINDS",
    "Recorder",
    "Shot",
    "Stream",
    "Table",
    "camera",
    "encode",
    "open_stream",
    "read_annotations",
    "read_boxes",
    "read_clip",
    "read_image",
    "read_polygons",
    "read_table",
    "read_tracks",
    "write",
    "write_boxes",
    "write_table",
    "write_tracks",
]
