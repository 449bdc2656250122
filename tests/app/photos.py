"""Photos as a visitor gives them."""

import io
import zipfile

from PIL import Image


def jpeg_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=92)
    return file.getvalue()


def zip_of(photos: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in photos.items():
            archive.writestr(name, data)
    return file.getvalue()
