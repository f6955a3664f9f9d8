"""Contact sheets: each frame where it belongs, with its own boxes."""

import cv2
import numpy as np
import pictured
import pytest

from tracklab import clips, errors, overlay, plots, scenes


def made(frames=9, size=(60, 80), seen=1.0, truth=True, seed=0):
    """Grey frames whose level says which one they are, and a box that moves."""
    pictures = np.stack([np.full((*size, 3), 40 + 20 * t, np.uint8) for t in range(frames)])
    x = np.arange(frames, dtype=np.float32)
    boxes = np.stack([10 + x, 15 + x, 40 + x, 45 + x], -1)[:, None]
    visibility = np.full((frames, 1), seen, np.float32)
    known = clips.Truth.from_boxes(boxes, visibility=visibility) if truth else None
    return clips.Clip(pictures, truth=known, name=f"clip {seed}")


def strips(fig):
    return [np.asarray(image.get_array()) for image in fig.axes[0].get_images()]


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def test_a_sheet_is_what_every_figure_is():
    clip = scenes.render(seed=1, frames=12, objects=2, size=(96, 96))
    pictured.check(
        lambda: plots.contact_sheet([clip, clip], title="Two objects keep apart", columns=2),
        largest=400_000,
    )


def test_frames_are_evenly_spaced_from_the_first_to_the_last():
    (strip,) = strips(plots.contact_sheet([made(9, truth=False)], title="t", each=5))
    levels = strip[5].mean(-1)
    assert [level for level in np.unique(levels) if level < 255] == [40, 80, 120, 160, 200]
    side = int((plots.base.WIDTH * 100 - 20 - 4 * 2) / 5)
    assert strip.shape == (round(side * 60 / 80), 5 * (side + 2) - 2, 3)
    assert (strip[:, side : side + 2] == 255).all()


def test_a_clip_with_fewer_frames_shows_each_once():
    (strip,) = strips(plots.contact_sheet([made(2, truth=False)], title="t", each=5))
    assert set(np.unique(strip).tolist()) == {40, 60, 255}
    assert len(strips(plots.contact_sheet([made(1)], title="t"))) == 1


def test_boxes_are_where_truth_has_them_dashed_where_hidden():
    color = np.array(overlay.color_of(1))
    counts = []
    for seen in (1.0, 0.5, 0.49, 0.0):
        (strip,) = strips(plots.contact_sheet([made(1, seen=seen)], title="t", each=1))
        drawn = (strip == color).all(-1).astype(np.uint8)
        scale = strip.shape[1] / 80
        x, y, width, height = cv2.boundingRect(drawn)
        found = np.array([x, y, x + width, y + height]) / scale
        np.testing.assert_allclose(found, [10, 15, 40, 45], atol=1.5 / scale)
        counts.append(int(drawn.sum()))
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]
    assert counts[2] < 0.85 * counts[0]
    hidden, seen = (plots.contact_sheet([made(seen=k)], title="t") for k in (0.2, 0.9))
    assert "dashed" in hidden.alt
    assert "dashed" in hidden.axes[0].get_title(loc="left")
    assert "dashed" not in seen.alt


def test_each_object_is_dashed_or_not_by_itself():
    clip = made(1)
    boxes = np.concatenate([clip.truth.boxes, clip.truth.boxes + np.float32(15)], 1)
    truth = clips.Truth.from_boxes(boxes, visibility=np.array([[1.0, 0.1]]))
    (strip,) = strips(
        plots.contact_sheet([clips.Clip(clip.frames, truth=truth)], title="t", each=1)
    )
    (alone,) = strips(plots.contact_sheet([clip], title="t", each=1))
    color = np.array(overlay.color_of(1))
    assert (strip == color).all(-1).sum() > 1.4 * (alone == color).all(-1).sum()


def test_absent_objects_have_no_box():
    clip = made(1)
    nothing = np.full((1, 1, 4), np.nan, np.float32)
    truth = clips.Truth.from_boxes(nothing)
    (strip,) = strips(plots.contact_sheet([clips.Clip(clip.frames, truth=truth)], title="t"))
    assert set(np.unique(strip).tolist()) == {40}


def test_names_stand_above_and_are_cut_to_their_strip():
    several = [made(3, seed=k) for k in range(3)]
    assert texts(plots.contact_sheet(several, title="t")) == ["clip 0", "clip 1", "clip 2"]
    long = texts(plots.contact_sheet(several, title="t", names=["n" * 300] * 3, columns=3))
    assert all(20 < len(text) < 60 and text.endswith("…") for text in long)


def test_clips_of_different_sizes_share_a_sheet():
    fig = plots.contact_sheet([made(), made(size=(90, 40)), made(3)], title="t", columns=2, each=3)
    assert len(strips(fig)) == 3
    tops = sorted({image.get_extent()[3] for image in fig.axes[0].get_images()})
    assert len(tops) == 2
    assert "3 clips" in fig.alt


def test_nothing_that_came_in_is_changed():
    clip = made()
    before = clip.frames.copy()
    plots.contact_sheet([clip], title="t")
    np.testing.assert_array_equal(clip.frames, before)


@pytest.mark.parametrize(
    ("given", "options", "named"),
    [
        ([], {}, "clips"),
        ([None], {}, r"clips\[0\]"),
        ([made(), made().frames], {}, r"clips\[1\]"),
        ([made()[:0]], {}, r"clips\[0\]"),
        ([made()], {"each": 0}, "each"),
        ([made()], {"columns": 0}, "columns"),
        ([made()], {"names": ["a", "b"]}, "names"),
        ([made()], {"hidden": 2}, "hidden"),
    ],
)
def test_bad_input_is_refused_by_name(given, options, named):
    with pytest.raises(errors.InputError, match=rf"^{named}: "):
        plots.contact_sheet(given, title="t", **options)
