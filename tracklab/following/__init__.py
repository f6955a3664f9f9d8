"""Your own video: follow one object or many through it, and keep what was found.

    done = tracklab.track("walk.mp4", box=[310, 120, 360, 260], out=["walk2.mp4", "walk.csv"])
    done = tracklab.track("road.mp4", "rnn-sort", detect="moving", line=[0, 300, 640, 300])
    print(done)
    done.tracks[10], done.seconds[10]

It is what `python -m tracklab track` does. `run` is the whole way of a frame; `followers` says who
follows and what starts it, `ways` where everybody went and how fast, `drawing` and `outs` make
pictures and files of it, `threads` decode ahead and encode behind, `window` is for the mouse.

What such a tool may not be used for: to find out or to follow who somebody is, to watch people who
have not agreed to it or cannot refuse, or to decide anything about a person by what it says. It
knows boxes, not people; whoever films others needs a reason that the law of the place knows, and
keeps no more, and no longer, than that reason needs. What it gets wrong: it takes look-alikes for
each other, loses what is hidden and says so late or not at all, misses some people and faces more
often than others, and gives speeds that are as good as the one scale that it was told. A number
that has consequences needs a check by other means.
"""

from tracklab.following.run import Followed, track

__all__ = ["Followed", "track"]
