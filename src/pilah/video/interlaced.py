"""Interlaced frames are taken apart: each becomes one whole picture, at the same time."""

from collections.abc import Iterable, Iterator
from typing import Any

from pilah.video.ffmpeg import FFmpegError, av


def deinterlaced(frames: Iterable[Any]) -> Iterator[Any]:
    """Frames, none of them interlaced; those that are not stay as they are.

    Size and format may change from one to the next. What FFmpeg cannot take apart, as pictures of
    two rows are, stays interlaced.
    """
    graph: Any = None
    kind: tuple[int, int, str] | None = None
    for frame in frames:
        now = (frame.width, frame.height, frame.format.name)
        if graph is not None and now != kind:  # a graph must not see another kind of frame
            yield from _through(graph, None)
            graph = None
        if graph is None and frame.interlaced_frame:
            graph, kind = _graph_for(frame), now
        if graph is None:
            yield frame
        else:
            yield from _through(graph, frame)
    if graph is not None:
        yield from _through(graph, None)


def _graph_for(frame: Any) -> Any:
    """A graph for frames like this one, None where there is none."""
    graph = av.filter.Graph()
    try:
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        graph.link_nodes(
            source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
        ).configure()
    except FFmpegError:
        return None
    return graph


def _through(graph: Any, frame: Any) -> Iterator[Any]:
    """What comes out of a graph when this goes in; None ends it."""
    try:
        graph.push(frame)
        while True:
            yield graph.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return
    except FFmpegError:
        if frame is not None:
            yield frame
