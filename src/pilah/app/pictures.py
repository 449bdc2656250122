"""Small copies of a sort's photos, which the page that reviews them asks for one by one.

Nothing is kept: a copy is made when it is asked for, and the browser is told not to store it. Only
whoever knows the sort's address (`visits.py`) can ask.
"""

from io import BytesIO

from anyio import CapacityLimiter, to_thread
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from pilah.app import visits
from pilah.errors import ImageError
from pilah.images import read

PICTURE = "/picture/{address}/{number:int}/{size}"

SIDES = {"small": 360, "large": 1600}
"""Pixels of the longer side: twice what the page shows, for dense screens."""

QUALITY = 82

_one_at_a_time = CapacityLimiter(1)
"""So that memory is bounded by the largest photo and not by the number of visitors."""


async def send_picture(request: Request) -> Response:
    """Answer with a photo as JPEG, or with 404 if there is no such sort, photo or size."""
    workspace = visits.find(request.path_params["address"])
    side = SIDES.get(request.path_params["size"])
    number = request.path_params["number"]
    if workspace is None or side is None or number >= len(workspace.photos):
        return Response(status_code=404)
    path = workspace.photos[number].source
    try:
        jpeg = await to_thread.run_sync(small_copy, path, side, limiter=_one_at_a_time)
    except ImageError:
        return Response(status_code=404)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def small_copy(path: str, side: int) -> bytes:
    """An upright JPEG of a photo, its longer side at most `side` pixels.

    Raises:
        ImageError: the photo cannot be read.
    """
    image = Image.fromarray(read(path, at_least=side).image_rgb)
    image.thumbnail((side, side))
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
