"""Frames from videos, folders and cameras, and back into videos.

`read_clip` opens any source as a `Clip`; `write` and `encode` make H.264 that a browser plays;
`read_tracks` and `write_tracks` keep what a tracker of many objects said in MOTChallenge's text,
`read_boxes` and `write_boxes` what a tracker of one said in OTB's.
"""

from tracklab.video.encoder import DEFAULT_FPS, encode, write
from tracklab.video.frames import CACHE_BYTES, camera, read_image
from tracklab.video.one_object import read_boxes, write_boxes
from tracklab.video.results import read_tracks, write_tracks
from tracklab.video.sources import KINDS, read_annotations, read_clip, read_polygons

__all__ = [
    "CACHE_BYTES",
    "DEFAULT_FPS",
    "KINDS",
    "camera",
    "encode",
    "read_annotations",
    "read_boxes",
    "read_clip",
    "read_image",
    "read_polygons",
    "read_tracks",
    "write",
    "write_boxes",
    "write_tracks",
]
